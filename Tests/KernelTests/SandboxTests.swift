import FoundationEssentials
import Kernel
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SandboxTests {
    @Test(.enabled(if: Machine.landlock.isThere, "the kernel offers no Landlock"))
    func `inside, files can be read and not written`() async {
        await #expect(processExitsWith: .success) {
            let path = FileManager.default.temporaryDirectory.path + "/sandbox-" + UUID().uuidString
            try Sandbox.enter([])
            #expect(try readFile("/proc/version", limit: 4096).count > 0)
            #expect(throws: (any Error).self) { try Data("x".utf8).write(to: URL(filePath: path)) }
        }
    }

    @Test func `with programs, files can be written`() async {
        await #expect(processExitsWith: .success) {
            let path = FileManager.default.temporaryDirectory.path + "/sandbox-" + UUID().uuidString
            try Sandbox.enter(.programs)
            try Data("x".utf8).write(to: URL(filePath: path))
            try FileManager.default.removeItem(atPath: path)
        }
    }
}

@Suite struct ReadFileTests {
    @Test func `what is not a regular file, or too large, is refused`() {
        #expect(throws: ReadFileError.notRegular("a device")) {
            try readFile("/dev/zero", limit: 10)
        }
        #expect(throws: ReadFileError.notRegular("a directory")) {
            try readFile("/", limit: 10)
        }
        #expect(throws: ReadFileError.tooLarge(limit: 3)) {
            try readFile("/proc/version", limit: 3)
        }
        #expect(throws: ReadFileError.system(.notFound)) {
            try readFile("/nowhere/at/all", limit: 3)
        }
    }
}
