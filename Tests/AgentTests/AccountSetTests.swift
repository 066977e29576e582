import Federation
import Kernel
import Testing

@testable import Agent

/// What follows from the account files, file by file: what is done, in order, and what runs afterwards.
@Suite struct `The set of accounts` {
    /// What the files hold, by path, and what follows.
    struct Row: CustomTestStringConvertible {
        let files: [String: Content]
        let steps: [String]
        let running: [String: String]
        var rejected: [String] = []

        var testDescription: String { steps.joined(separator: ", ") }
    }

    enum Content {
        case account(String)
        case broken
    }

    struct History: CustomTestStringConvertible {
        let name: String
        let rows: [Row]

        var testDescription: String { name }
    }

    static let histories = [
        History(
            name: "files come, change and go",
            rows: [
                Row(files: [:], steps: [], running: [:]),
                Row(
                    files: ["/b.json": .account("b"), "/a.json": .account("a")],
                    steps: ["start a", "start b"],
                    running: ["a": "/a.json", "b": "/b.json"]
                ),
                Row(
                    files: ["/a.json": .account("a"), "/b.json": .account("b")],
                    steps: ["change a", "change b"],
                    running: ["a": "/a.json", "b": "/b.json"]
                ),
                Row(
                    files: ["/c.json": .account("c")],
                    steps: ["start c", "stop a", "stop b"],
                    running: ["c": "/c.json"]
                ),
                Row(
                    files: ["/other/c.json": .account("c")],
                    steps: ["change c"],
                    running: ["c": "/other/c.json"]
                ),
            ]
        ),
        History(
            name: "a file that breaks holds its account, until it is gone",
            rows: [
                Row(
                    files: ["/a.json": .account("a"), "/b.json": .broken],
                    steps: ["start a", "reject /b.json: broken"],
                    running: ["a": "/a.json"],
                    rejected: ["/b.json"]
                ),
                Row(
                    files: ["/a.json": .broken, "/b.json": .broken],
                    steps: ["reject /a.json: broken", "hold a", "reject /b.json: broken"],
                    running: ["a": "/a.json"],
                    rejected: ["/a.json", "/b.json"]
                ),
                Row(
                    files: ["/a.json": .account("a"), "/b.json": .account("b")],
                    steps: ["change a", "start b", "resolved /a.json", "resolved /b.json"],
                    running: ["a": "/a.json", "b": "/b.json"]
                ),
                Row(
                    files: ["/b.json": .broken],
                    steps: ["reject /b.json: broken", "hold b", "stop a"],
                    running: ["b": "/b.json"],
                    rejected: ["/b.json"]
                ),
                Row(files: [:], steps: ["stop b", "resolved /b.json"], running: [:]),
            ]
        ),
        History(
            name: "of two files with a name the second is rejected",
            rows: [
                Row(
                    files: ["/1/a.json": .account("a"), "/2/a.json": .account("a")],
                    steps: ["start a", "reject /2/a.json: \(duplicate)"],
                    running: ["a": "/1/a.json"],
                    rejected: ["/2/a.json"]
                ),
                // The first one's file breaks: the second is no other version of its account's.
                Row(
                    files: ["/1/a.json": .broken, "/2/a.json": .account("a")],
                    steps: [
                        "reject /1/a.json: broken", "hold a", "reject /2/a.json: \(duplicate)",
                    ],
                    running: ["a": "/1/a.json"],
                    rejected: ["/1/a.json", "/2/a.json"]
                ),
                Row(
                    files: ["/2/a.json": .account("a")],
                    steps: ["change a", "resolved /1/a.json", "resolved /2/a.json"],
                    running: ["a": "/2/a.json"]
                ),
                // The account has another file by now: this one's being broken does not hold it.
                Row(
                    files: ["/2/a.json": .account("a"), "/3/a.json": .broken],
                    steps: ["change a", "reject /3/a.json: broken"],
                    running: ["a": "/2/a.json"],
                    rejected: ["/3/a.json"]
                ),
            ]
        ),
    ]

    private static let duplicate =
        "account file /2/a.json: the account \"a\" is there already"

    @Test(arguments: histories) func `follows its files`(_ history: History) throws {
        var set = AccountSet()
        for row in history.rows {
            let files = try row.files.sorted { $0.key < $1.key }.map { path, content in
                AccountSet.File(path: path, content: try Self.content(content, path))
            }
            #expect(set.reload(files).map(\.words) == row.steps)
            #expect(set.running == row.running)
            #expect(set.rejections.keys.sorted() == row.rejected)
            #expect(set.rejections.values.allSatisfy { !$0.isUnreadable })
        }
    }

    @Test(arguments: [true, false])
    func `a version that cannot be used is rejected, and what ran goes on`(isRunning: Bool) throws {
        var set = AccountSet()
        let account = try Self.account("/a.json")
        let file = AccountSet.File(path: "/a.json", content: .success(account))
        _ = set.reload([file])
        let failure = Failure(.misconfigured, at: .output, "no place")
        let steps = set.fail(account, failure, isRunning: isRunning)
        #expect(steps.map(\.words) == ["reject /a.json: no place"])
        #expect(set.running == (isRunning ? ["a": "/a.json"] : [:]))
        #expect(set.rejections["/a.json"]?.exitCode == 74)
        let next = isRunning ? "change a" : "start a"
        #expect(set.reload([file]).map(\.words) == [next, "resolved /a.json"])
    }

    @Test func `files that cannot be listed stop nothing`() throws {
        var set = AccountSet()
        let account = try Self.account("/a.json")
        _ = set.reload([AccountSet.File(path: "/a.json", content: .success(account))])
        let problem = AccountFiles.Problem(
            path: "/",
            failure: Failure(.misconfigured, at: .account, "closed"),
            isUnreadable: true
        )
        #expect(set.reject(problem).map(\.words) == ["reject /: closed"])
        #expect(set.running == ["a": "/a.json"])
        #expect(set.rejections["/"]?.exitCode == 66)
    }

    private static func content(
        _ content: Content,
        _ path: String
    ) throws -> Result<Account, AccountFiles.Problem> {
        switch content {
        case .account: return .success(try account(path))
        case .broken:
            let failure = Failure(.misconfigured, at: .account, "broken")
            return .failure(
                AccountFiles.Problem(path: path, failure: failure, isUnreadable: false)
            )
        }
    }

    private static func account(_ path: String) throws -> Account {
        let document =
            "{\"type\": \"external_account\", \"service\": \"bright\", \"projectId\": \"p\"}"
        return try Account(parsing: Secret(document), path: path)
    }
}

extension AccountSet.Step {
    fileprivate var words: String {
        switch self {
        case .start(let account): "start \(account.name)"
        case .change(let account): "change \(account.name)"
        case .hold(let name): "hold \(name)"
        case .stop(let name): "stop \(name)"
        case .tellRejection(let problem): "reject \(problem.path): \(problem.failure.message)"
        case .tellResolution(let path): "resolved \(path)"
        }
    }
}
