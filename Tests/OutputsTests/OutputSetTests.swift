import Federation
import FoundationEssentials
import Glibc
import Kernel
import Synchronization
import TestSupport
import Testing

@testable import Outputs

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

    @Test func `sockets that were handed over are all served, and told by their paths`()
        async throws
    {
        let place = ScratchDirectory()
        let trust = DirectoryTrust(owners: [geteuid()], groups: [])
        let directory = try Directory.open(place.path, trust: trust)
        let given = try ["a", "b"].map {
            try UnixListener(binding: $0, in: directory, mode: 0o600)
        }
        let told = Mutex<[String]>([])
        let set = try OutputSet(
            account: account(),
            runtimeDirectory: place("run"),
            handedOver: given.map { dup($0.raw) },
            report: { path, _ in told.withLock { $0.append(path) } }
        )
        let paths = [place("run/mondoo.sock"), "/run/systemd/handed-over-2"]
        #expect(await set.deliver(mondooCredential()).map(\.output.path) == paths)
        for name in ["a", "b"] { _ = try await read(place(name)) }
        let heard = told.withLock(\.self)
        #expect(heard == paths)
        await set.close(removing: false)
    }

    @Test(arguments: [("owner", "rooot", "passwd"), ("group", "roott", "group")])
    func `a name that is near one of the system's is told`(
        key: String,
        name: String,
        database: String
    ) throws {
        let place = ScratchDirectory()
        let text = #"[{"format": "raw", "path": "\#(place("x"))", "\#(key)": "\#(name)"}]"#
        let error = #expect(throws: OutputError.self) {
            _ = try OutputSet(account: account(outputs: text), runtimeDirectory: "/unused")
        }
        #expect(error?.hint?.hasPrefix("did you mean root? getent \(database) lists") == true)
    }

    @Test func `a look or a removal makes no directory`() throws {
        let place = ScratchDirectory()
        let file = try FileOutput(path: place("f/x"), options: FileOptions())
        let set = try DirectoryOutput(path: place("d"), options: FileOptions())
        _ = try file.write(Secret("x"))
        #expect(file.holds(Secret("x")))
        try FileManager.default.removeItem(atPath: place("f"))
        try FileManager.default.removeItem(atPath: place("d"))
        #expect(!file.holds(Secret("x")))
        #expect(try !set.holds(mondooCredential(), for: account()))
        try file.remove()
        try set.remove()
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == [])
    }

    /// What makes another credential of one, though its bytes are the same.
    static let others: [Credential] = [
        changed(kind: .accessToken(type: "other", scheme: "Bearer")), changed(issuedAt: 1),
        changed(lifetime: 3601), changed(receivedAt: 1),
    ]

    private static func changed(
        kind: Credential.Kind = .accessToken(type: "Bearer", scheme: "Bearer"),
        issuedAt: Double = 0,
        lifetime: Double = 3600,
        receivedAt: Double = 0
    ) -> Credential {
        Credential(
            kind: kind,
            value: Secret("token"),
            issuedAt: WallTime(secondsSinceEpoch: 1_704_164_645 + issuedAt),
            lifetime: lifetime,
            receivedAt: BootInstant(seconds: 1000 + receivedAt)
        )
    }

    @Test(arguments: others)
    func `the same credential is left alone, another one is written`(other: Credential) async throws
    {
        let place = ScratchDirectory()
        let outputs = #"[{"format": "raw", "path": "\#(place("x"))"}]"#
        let set = try OutputSet(account: account(outputs: outputs), runtimeDirectory: "/unused")
        var inodes: [UInt64] = []
        for credential in [Self.changed(), Self.changed(), other] {
            _ = await set.deliver(credential)
            inodes.append(try FileFacts(at: place("x")).inode)
        }
        #expect(inodes[0] == inodes[1])
        #expect(inodes[1] != inodes[2])
    }

    @Test func `a removal that fails is told`() async throws {
        let place = ScratchDirectory()
        let outputs = #"[{"format": "raw", "path": "\#(place("f/x"))", "onExpiry": "remove"}]"#
        let set = try OutputSet(account: account(outputs: outputs), runtimeDirectory: "/unused")
        _ = await set.deliver(mondooCredential())
        // Who can write there could have anything removed.
        unsafe chmod(place("f"), 0o777)
        let reports = await set.expire()
        #expect(reports.map { $0.failure?.class } == [.misconfigured])
        _ = try FileFacts(at: place("f/x"))
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
