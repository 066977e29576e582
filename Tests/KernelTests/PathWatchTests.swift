import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Kernel

@Suite(.timeLimit(.minutes(1))) struct PathWatchTests {
    struct Change: CustomTestStringConvertible {
        let testDescription: String
        let work: @Sendable (String) throws -> Void
    }

    /// Done to `DIRECTORY/a/b/file`; each is given DIRECTORY.
    static let changes = [
        Change(testDescription: "removed") { unsafe unlink("\($0)/a/b/file") },
        Change(testDescription: "truncated") { unsafe truncate("\($0)/a/b/file", 0) },
        Change(testDescription: "written to") { try write("new", "\($0)/a/b/file") },
        Change(testDescription: "another mode") { unsafe chmod("\($0)/a/b/file", 0o666) },
        Change(testDescription: "moved away") { try rename("\($0)/a/b/file", to: "\($0)/file") },
        Change(testDescription: "replaced") {
            try write("new", "\($0)/other")
            try rename("\($0)/other", to: "\($0)/a/b/file")
        },
        Change(testDescription: "written through another name") {
            unsafe link("\($0)/a/b/file", "\($0)/other")
            try write("new", "\($0)/other")
        },
        Change(testDescription: "its directory moved") { try rename("\($0)/a/b", to: "\($0)/a/c") },
        Change(testDescription: "a directory further up moved") {
            try rename("\($0)/a", to: "\($0)/c")
        },
        Change(testDescription: "all of it removed") {
            try FileManager.default.removeItem(atPath: "\($0)/a")
        },
    ]

    @Test(arguments: changes)
    func `hears what is done to a file`(_ change: Change) async throws {
        let scratch = try Self.scratch()
        let watch = PathWatch()
        try watch.watch([(scratch("a/b/file"), .file)])
        try change.work(scratch.path)
        #expect(try await watch.next() == [scratch("a/b/file")])
    }

    /// Between two looks the paths are watched anew, and what was done before must not fall between them.
    @Test func `hears what was done before a watch anew, however late the poller is`() async throws
    {
        let scratch = ScratchDirectory()
        unsafe mkdir(scratch("x"), 0o700)
        let watch = PathWatch()
        try watch.watch([(scratch("x"), .file)])
        let (held, release) = (OneThreadSemaphore(), OneThreadSemaphore())
        _ = Alarms.shared.alarm(at: .now) {
            held.signal()
            release.wait()
        }
        held.wait()
        unsafe rmdir(scratch("x"))
        try watch.watch([(scratch("x"), .file)])
        release.signal()
        #expect(try await watch.next() == [scratch("x")])
    }

    static let replacements = [
        Change(testDescription: "another link takes the name") {
            unsafe symlink("b/other", "\($0)/a/new")
            try rename("\($0)/a/new", to: "\($0)/a/link")
        },
        Change(testDescription: "removed") { unsafe unlink("\($0)/a/link") },
    ]

    /// A mounted ConfigMap's `..data`: nothing is done to the file that it led to.
    @Test(arguments: replacements)
    func `hears what is done to a link`(_ change: Change) async throws {
        let scratch = try Self.scratch()
        unsafe symlink("b/file", scratch("a/link"))
        let watch = PathWatch()
        try watch.watch([(scratch("a/link"), .link)])
        try change.work(scratch.path)
        #expect(try await watch.next() == [scratch("a/link")])
    }

    @Test func `hears of names in a directory, not of what is written to them`() async throws {
        let scratch = try Self.scratch()
        let watch = PathWatch()
        try watch.watch([(scratch("a/b"), .entries), (scratch("a/other"), .file)])
        try Self.write("new", scratch("a/b/file"))
        try Self.write("", scratch("a/other"))
        #expect(try await watch.next() == [scratch("a/other")])
        try Self.write("", scratch("a/b/new"))
        #expect(try await watch.next() == [scratch("a/b")])
    }

    @Test func `finds the links that a path leads through`() throws {
        let scratch = try Self.scratch()
        let root = try realPath(scratch.path)
        unsafe symlink("a", "\(root)/first")
        unsafe symlink("../b/file", "\(root)/a/b/second")
        unsafe symlink("\(root)/first/b", "\(root)/third")
        #expect(symbolicLinks(on: "\(root)/a/b/file").isEmpty)
        #expect(symbolicLinks(on: "\(root)/first/./b/gone") == ["\(root)/first"])
        #expect(
            symbolicLinks(on: "\(root)/third/second")
                == ["\(root)/third", "\(root)/first", "\(root)/a/b/second"]
        )
        unsafe symlink("round", "\(root)/round")
        #expect(symbolicLinks(on: "\(root)/round").count == 40)
    }

    static let appearances = [
        Change(testDescription: "the file") { try write("", "\($0)/a/b/new") },
        Change(testDescription: "moved there") {
            try rename("\($0)/a/b/file", to: "\($0)/a/b/new")
        },
    ]

    @Test(arguments: appearances)
    func `hears that a file appears`(_ change: Change) async throws {
        let scratch = try Self.scratch()
        let watch = PathWatch()
        try watch.watch([(scratch("a/b/new"), .file)])
        try change.work(scratch.path)
        #expect(try await watch.next() == [scratch("a/b/new")])
    }

    @Test func `hears that a missing directory appears`() async throws {
        let scratch = try Self.scratch()
        let watch = PathWatch()
        try watch.watch([(scratch("x/y/new"), .file)])
        unsafe mkdir(scratch("x"), 0o700)
        #expect(try await watch.next() == [scratch("x/y/new")])
    }

    @Test func `does not hear of other files, nor of reading, nor of what is no longer watched`()
        async throws
    {
        let scratch = try Self.scratch()
        let watch = PathWatch()
        try watch.watch([(scratch("a/b/other"), .file)])
        try watch.watch([(scratch("a/b/file"), .file)])
        try Self.write("", scratch("a/b/other"))
        _ = try readFile(scratch("a/b/file"), limit: 100)
        unsafe chmod(scratch("a/b/other"), 0o666)
        unsafe unlink(scratch("a/b/other"))
        unsafe mkdir(scratch("a/c"), 0o700)
        // Events come in the order of what was done: had those before been heard, they would be told of.
        try watch.watch([(scratch("a/b/file"), .file), (scratch("a/c"), .names)])
        try Self.write("", scratch("a/c/one"))
        #expect(try await watch.next() == [scratch("a/c")])
    }

    static let names = [
        Change(testDescription: "made") { try write("", "\($0)/a/b/new") },
        Change(testDescription: "removed") { unsafe unlink("\($0)/a/b/file") },
        Change(testDescription: "renamed") { try rename("\($0)/a/b/file", to: "\($0)/a/b/new") },
        Change(testDescription: "written to") { try write("new", "\($0)/a/b/file") },
        Change(testDescription: "the directory moved") { try rename("\($0)/a/b", to: "\($0)/a/c") },
    ]

    @Test(arguments: names)
    func `hears what happens in a directory`(_ change: Change) async throws {
        let scratch = try Self.scratch()
        let watch = PathWatch()
        try watch.watch([(scratch("a/b"), .names)])
        try change.work(scratch.path)
        #expect(try await watch.next() == [scratch("a/b")])
    }

    @Test func `two watches of one file hear the same`() async throws {
        let scratch = try Self.scratch()
        let (one, other) = (PathWatch(), PathWatch())
        try one.watch([(scratch("a/b/file"), .file)])
        try other.watch([(scratch("a/b"), .names)])
        try Self.write("new", scratch("a/b/file"))
        #expect(try await one.next() == [scratch("a/b/file")])
        #expect(try await other.next() == [scratch("a/b")])
    }

    @Test func `waiting is over when the task is cancelled`() async throws {
        let watch = PathWatch()
        await withThrowingTaskGroup { group in
            group.addTask { _ = try await watch.next() }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
    }

    private static func scratch() throws -> ScratchDirectory {
        let scratch = ScratchDirectory()
        unsafe mkdir(scratch("a"), 0o700)
        unsafe mkdir(scratch("a/b"), 0o700)
        try write("old", scratch("a/b/file"))
        return scratch
    }

    private static func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }
}
