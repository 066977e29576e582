import FoundationEssentials
import Platform
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SandboxTests {
    @Test func `inside, files can be read and not written`() async {
        await #expect(processExitsWith: .success) {
            let path = FileManager.default.temporaryDirectory.path + "/sandbox-" + UUID().uuidString
            try Sandbox.enter(.network)
            #expect(try !smallFile(at: "/proc/version", limit: 4096).isEmpty)
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

@Suite struct SmallFileTests {
    @Test func `what is not a regular file, or too large, is refused`() {
        #expect(throws: SmallFileError.notRegular("a device")) {
            try smallFile(at: "/dev/zero", limit: 10)
        }
        #expect(throws: SmallFileError.notRegular("a directory")) {
            try smallFile(at: "/", limit: 10)
        }
        #expect(throws: SmallFileError.tooLarge(limit: 3)) {
            try smallFile(at: "/proc/version", limit: 3)
        }
        #expect(throws: SmallFileError.system(.notFound)) {
            try smallFile(at: "/nowhere/at/all", limit: 3)
        }
    }
}
