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
