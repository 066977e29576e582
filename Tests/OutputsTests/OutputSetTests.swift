import Federation
import Glibc
import Kernel
import Outputs
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct OutputSetTests {
    @Test func `every output holds the credential, each in its way`() async throws {
        let place = ScratchDirectory()
        let (file, socket) = (place("new/mondoo.json"), place("new/mondoo.sock"))
        let outputs = """
            [{"format": "json", "path": "\(file)", "mode": "0640", "onExpiry": "remove"},
             {"format": "env", "path": "\(place("env"))"},
             {"format": "socket", "path": "\(socket)", "content": "json"}]
            """
        let set = try OutputSet(account: account(outputs: outputs), runtimeDirectory: "/unused")
        let reports = await set.deliver(mondooCredential())
        #expect(reports.map(\.output.path) == [file, place("env"), socket])
        #expect(reports.allSatisfy { $0.failure == nil })
        #expect(reports.map { $0.facts?.mode } == [0o640, 0o600, 0o600])
        #expect(try FileFacts(at: file).mode == 0o640)
        #expect(try FileFacts(at: place("new")).mode == 0o700)
        let served = try await read(socket)
        #expect(served == mondooDocument)
        #expect(try contents(file) == mondooDocument)
        let removed = await set.expire()
        #expect(removed.map(\.output.path) == [file])
        #expect(throws: Errno.notFound) { try FileFacts(at: file) }
        _ = try FileFacts(at: place("env"))
        await set.close(removing: true)
        #expect(throws: Errno.notFound) { try FileFacts(at: place("env")) }
    }

    @Test func `with no outputs given there is one socket`() async throws {
        let place = ScratchDirectory()
        let set = try OutputSet(account: account(), runtimeDirectory: place("run"))
        let reports = await set.deliver(mondooCredential())
        #expect(reports.map(\.output.path) == [place("run/mondoo.sock")])
        #expect(reports.map(\.output.word) == ["socket"])
        await set.close(removing: false)
    }

    @Test func `an output that fails does not stop the others and heals`() async throws {
        let place = ScratchDirectory()
        let outputs = """
            [{"format": "raw", "path": "\(place("a/x"))"},
             {"format": "raw", "path": "\(place("b/x"))"}]
            """
        let set = try OutputSet(account: account(outputs: outputs), runtimeDirectory: "/unused")
        unsafe rmdir(place("a"))
        close(unsafe creat(place("a"), 0o600))
        let broken = await set.deliver(mondooCredential())
        #expect(broken.map { $0.failure == nil } == [false, true])
        #expect(broken[0].failure?.step == .output)
        #expect(broken[0].failure?.class == .misconfigured)
        unsafe unlink(place("a"))
        let healed = await set.deliver(mondooCredential())
        #expect(healed.allSatisfy { $0.failure == nil })
    }

    @Test(arguments: ["link", "directory", "fifo", "full"])
    func `a target that is no file is refused at the start`(_ kind: String) throws {
        let place = ScratchDirectory()
        var path = place("x")
        switch kind {
        case "link": unsafe symlink("/etc/hostname", path)
        case "directory": unsafe mkdir(path, 0o700)
        case "fifo": unsafe mkfifo(path, 0o600)
        default: path = "/dev/full"
        }
        let error = #expect(throws: OutputError.self) {
            _ = try FileOutput(path: path, options: FileOptions())
        }
        #expect(error?.failure.message.hasPrefix("output \(path): ") == true)
        #expect(error?.hint != nil)
        #expect(throws: OutputError.self) {
            _ = try FileOutput(path: "relative", options: FileOptions())
        }
    }

    @Test func `a directory that is made wider between refreshes is refused`() throws {
        let place = ScratchDirectory()
        let file = try FileOutput(path: place("d/x"), options: FileOptions())
        _ = try file.write(Secret("1"))
        unsafe chmod(place("d"), 0o777)
        #expect(throws: OutputError.self) { _ = try file.write(Secret("2")) }
        #expect(try contents(place("d/x")) == "1")
        unsafe chmod(place("d"), 0o700)
        unsafe rename(place("d"), place("e"))
        _ = try file.write(Secret("3"))
        #expect(try contents(place("d/x")) == "3")
        #expect(try contents(place("e/x")) == "1")
    }

    @Test func `an unknown owner or group is named`() {
        var options = FileOptions()
        options.owner = "nobody-knows-this-user"
        let error = #expect(throws: OutputError.self) {
            _ = try FileOutput(path: "/run/x", options: options)
        }
        #expect(error?.problem == "no user \"nobody-knows-this-user\"")
    }

    private func contents(_ path: String) throws -> String {
        let file = FileDescriptor(owning: unsafe open(path, O_RDONLY))
        return String(decoding: try file.read(upTo: 65_536), as: UTF8.self)
    }
}
