import Federation
import FoundationEssentials
import Glibc
import Kernel
import Outputs
import TestSupport
import Testing

/// What an examination says is held against what opening the output does: there must be no place of
/// which the two think differently.
@Suite struct ExaminationTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Below the scratch directory.
        var path = "place/x"
        var format = "raw"
        var more = ""
        var prepare: @Sendable (String) throws -> Void = { _ in }
        var isRefused = true
    }

    private static func directory(_ path: String, _ mode: UInt32) {
        unsafe mkdir(path, 0o700)
        unsafe chmod(path, mode)
    }

    static let rows = [
        Row(testDescription: "nothing is there yet", isRefused: false),
        Row(testDescription: "no directory on the way", path: "place/a/b/x", isRefused: false),
        Row(testDescription: "a socket", format: "socket", isRefused: false),
        Row(testDescription: "a directory of files", format: "directory", isRefused: false),
        Row(
            testDescription: "a file to replace",
            prepare: { try Data().write(to: URL(filePath: "\($0)/place/x")) },
            isRefused: false
        ),
        Row(
            testDescription: "a directory in the way",
            prepare: { directory("\($0)/place/x", 0o700) }
        ),
        Row(
            testDescription: "a directory in a socket's way",
            format: "socket",
            prepare: { directory("\($0)/place/x", 0o700) }
        ),
        Row(
            testDescription: "a link in the way",
            prepare: { place in _ = unsafe symlink("/etc/passwd", "\(place)/place/x") }
        ),
        Row(
            testDescription: "a link on the way",
            path: "link/x",
            prepare: { place in _ = unsafe symlink("\(place)/place", "\(place)/link") }
        ),
        Row(
            testDescription: "a directory that all can write",
            prepare: { place in _ = unsafe chmod("\(place)/place", 0o777) }
        ),
        Row(
            testDescription: "one with the sticky bit",
            prepare: { place in _ = unsafe chmod("\(place)/place", 0o1777) },
            isRefused: false
        ),
        Row(
            testDescription: "a file on the way",
            path: "place/x/y",
            prepare: { try Data().write(to: URL(filePath: "\($0)/place/x")) }
        ),
        Row(testDescription: "a socket's path too long", path: longName, format: "socket"),
        Row(testDescription: "a file's path as long", path: longName, isRefused: false),
        Row(testDescription: "an owner that is none", more: #", "owner": "no-such-user""#),
        Row(testDescription: "a group that is none", more: #", "group": "no-such-group""#),
        Row(
            testDescription: "a reader that is none",
            format: "socket",
            more: #", "allowUsers": ["no-such-user"]"#
        ),
    ]

    private static let longName = "place/" + String(repeating: "n", count: 100)

    @Test(arguments: rows)
    func `thinks as the delivery does, and leaves everything as it is`(row: Row) throws {
        let scratch = ScratchDirectory()
        Self.directory(scratch("place"), 0o700)
        try row.prepare(scratch.path)
        let path = scratch(row.path)
        let text = #"[{"format": "\#(row.format)", "path": "\#(path)"\#(row.more)}]"#
        let account = try account(outputs: text)
        let before = try names(below: scratch.path)
        var verdict: OutputError?
        do throws(OutputError) {
            _ = try account.configuredOutputs[0].examine(as: .current(), isServed: false)
        } catch {
            verdict = error
        }
        #expect(try names(below: scratch.path) == before)
        var outcome: OutputError?
        do throws(OutputError) {
            _ = try OutputSet(account: account, runtimeDirectory: "/unused")
        } catch {
            outcome = error
        }
        #expect((verdict != nil) == row.isRefused)
        #expect(verdict == outcome)
    }

    private func names(below path: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
    }

    private func answer(
        _ path: String,
        format: String = "raw",
        more: String = "",
        as user: FileUser = .current(),
        isServed: Bool = false
    ) throws -> String {
        let text = #"[{"format": "\#(format)", "path": "\#(path)"\#(more)}]"#
        let output = try account(outputs: text).configuredOutputs[0]
        do throws(OutputError) {
            return try output.examine(as: user, isServed: isServed)
        } catch {
            return error.problem
        }
    }

    @Test func `a socket's path has 107 bytes at most`() throws {
        let scratch = ScratchDirectory()
        let longest = scratch(String(repeating: "n", count: 106 - scratch.path.utf8.count))
        #expect(try answer(longest, format: "socket") == "can be made")
        #expect(try answer(longest + "n", format: "socket") == "is too long for a socket")
    }

    @Test func `what is there is made or replaced, and a socket may be served`() throws {
        let scratch = ScratchDirectory()
        let (name, stale) = ("examined-socket", "stale-socket")
        #expect(try answer(scratch("x")) == "can be made")
        try Data().write(to: URL(filePath: scratch("x")))
        #expect(try answer(scratch("x")) == "can be replaced")
        #expect(
            try answer(scratch("a/b/x")) == "\(scratch("a/b")) would be made in \(scratch.path)"
        )
        let trust = DirectoryTrust(owners: [geteuid()], groups: [])
        #expect(try nearestDirectory(scratch("a/b"), trust: trust).missing == ["a", "b"])
        let directory = try Directory.open(scratch.path, trust: trust)
        do { _ = try UnixListener(binding: stale, in: directory, mode: 0o600) }
        #expect(try answer(scratch(stale), format: "socket") == "can be replaced")
        // Bound by way of the open directory, and by its whole path.
        let socket = try CredentialSocket(path: scratch(name), access: .init())
        let raw = try bound(to: scratch("whole-path"))
        for path in [scratch(name), scratch("whole-path")] {
            #expect(try answer(path, format: "socket") == "is served by a running process")
            let own = try answer(path, format: "socket", isServed: true)
            #expect(own == "is served by the running agent")
        }
        #expect(try answer(scratch(stale), format: "socket") == "can be replaced")
        socket.close()
        close(raw)
    }

    private func bound(to path: String) throws -> Int32 {
        let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe bind(raw, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), size)
        }
        guard result == 0, listen(raw, 1) == 0 else { throw Errno.notFound }
        return raw
    }

    @Test(.enabled(if: effectiveUserID() == 0, "needs root"))
    func `only root gives files to others, and its members to a group`() throws {
        let scratch = ScratchDirectory()
        _ = unsafe chmod(scratch.path, 0o755)
        Self.directory(scratch("place"), 0o700)
        _ = unsafe chown(scratch("place"), 4242, 4242)
        let path = scratch("place/x")
        let user = FileUser(id: 4242, groups: [4242])
        #expect(try answer(path, more: #", "owner": "4242""#) == "can be made")
        #expect(try answer(path, more: #", "owner": "4242""#, as: user) == "can be made")
        #expect(try answer(path, more: #", "group": "4242""#, as: user) == "can be made")
        let owner = try answer(path, more: #", "owner": "4343""#, as: user)
        #expect(owner.hasPrefix("cannot be given to "))
        let group = try answer(path, more: #", "group": "4343""#, as: user)
        #expect(group.hasPrefix("cannot be given to the group 4343, of which "))
    }

    @Test(
        .enabled(if: effectiveUserID() == 0, "needs root"),
        arguments: [("/x", "/wif-agent"), ("/var/x", "/var/wif-agent")]
    )
    func `who may not write there is told where to`(path: String, folder: String) throws {
        let text = #"[{"format": "raw", "path": "\#(path)"}]"#
        let output = try account(outputs: text).configuredOutputs[0]
        let error = #expect(throws: OutputError.self) {
            try output.examine(as: FileUser(id: 4242, groups: [4242]), isServed: false)
        }
        let hint =
            "write it into /run/wif-agent where the units run the agent; else make a folder for it:"
            + " install -d -o 4242 \(folder)"
        #expect(error?.hint == hint)
    }

    @Test(
        .enabled(if: effectiveUserID() == 0, "needs root"),
        arguments: [(0o755, 0, true), (0o755, 7, true), (0o777, 0, false), (0o701, 7, true)]
    )
    func `another user may do what the modes say`(mode: Int, owner: Int, isRefused: Bool) throws {
        let scratch = ScratchDirectory()
        _ = unsafe chmod(scratch.path, 0o755)
        Self.directory(scratch("place"), UInt32(mode))
        _ = unsafe chown(scratch("place"), UInt32(owner), UInt32(owner))
        let user = FileUser(id: 4242, groups: [4242])
        var reason: Errno?
        do throws(Errno) { try user.checkAdding(to: scratch("place")) } catch { reason = error }
        #expect((reason != nil) == isRefused)
    }
}
