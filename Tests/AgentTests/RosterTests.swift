import Federation
import FoundationEssentials
import Kernel
import TestSupport
import Testing

@testable import Agent

/// Real account files and outputs; the worker is a closure.
@Suite(.timeLimit(.minutes(1))) struct `The roster of accounts` {
    private struct Refusing: ExchangeWorker {
        func run<Value>(
            _ request: JobRequest<Value>,
            for account: Account,
            within seconds: Double
        ) async -> JobAnswer<Value> {
            .failure(Failure(.refused, at: .exchange, "no"))
        }
    }

    /// A directory of account files, and what the roster did.
    private final class Stage: Sendable {
        let path: String

        init(_ path: String) throws {
            self.path = path
            for name in ["accounts", "run", "out"] {
                try FileManager.default.createDirectory(
                    atPath: "\(path)/\(name)",
                    withIntermediateDirectories: false,
                    attributes: [.posixPermissions: 0o700]
                )
            }
        }

        func file(_ name: String) -> String { "\(path)/accounts/\(name).json" }

        func put(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: URL(filePath: file(name)))
        }

        func remove(_ name: String) throws {
            try FileManager.default.removeItem(atPath: file(name))
        }

        /// An account with that output.
        func account(_ output: String, issuer: String = "i") -> String {
            """
            {"type": "external_account", "audience": "//m", "issuerUri": "https://\(issuer).example",
             "outputs": [{"format": "raw", "path": "\(output)"}]}
            """
        }
    }

    private func perform(
        _ body: (Stage, inout Roster, @escaping (AccountLoop) -> Void) async throws -> Void
    ) async throws {
        let place = ScratchDirectory()
        let stage = try Stage(place.path)
        var settings = AgentSettings(
            runtimeDirectory: place("run"),
            worker: WorkerPlace(.automatic),
            environment: [:]
        )
        settings.directory = place("accounts")
        let time = VirtualTimekeeper()
        var roster = Roster(
            settings: settings,
            dependencies: AccountLoop.Dependencies(
                worker: Refusing(),
                timekeeper: time,
                chance: { 0.5 },
                log: Log(level: .error, format: .text) { _ in },
                onChange: {}
            ),
            board: Board(timekeeper: time),
            keeper: nil,
            handedOver: HandedOverSockets()
        )
        let (loops, starts) = AsyncStream.makeStream(of: AccountLoop.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { inner in
                    for await loop in loops { inner.addTask { await loop.run() } }
                }
            }
            defer { starts.finish() }
            try await body(stage, &roster) { starts.yield($0) }
            await roster.shutDown()
        }
    }

    @Test func `follows the files: starts, leaves alone, and stops`() async throws {
        try await perform { stage, roster, start in
            try stage.put("a", stage.account("\(stage.path)/out/a"))
            await roster.reload(start: start)
            let first = try #require(roster.loops["a"])
            try stage.put("b", stage.account("\(stage.path)/out/b"))
            await roster.reload(start: start)
            #expect(roster.loops.keys.sorted() == ["a", "b"])
            #expect(roster.loops["a"] === first)
            try stage.remove("a")
            await roster.reload(start: start)
            #expect(roster.loops.keys.sorted() == ["b"])
            #expect(first.snapshot.isStopping)
            #expect(roster.rejections.isEmpty)
        }
    }

    @Test func `keeps the last good version of a file that is broken`() async throws {
        try await perform { stage, roster, start in
            try stage.put("a", stage.account("\(stage.path)/out/a"))
            await roster.reload(start: start)
            let loop = try #require(roster.loops["a"])
            try stage.put("a", "{")
            await roster.reload(start: start)
            #expect(roster.loops["a"] === loop)
            #expect(roster.rejections.keys.sorted() == [stage.file("a")])
            try stage.put("a", stage.account("\(stage.path)/out/other"))
            await roster.reload(start: start)
            #expect(roster.rejections.isEmpty)
            #expect(loop.account.configuredOutputs.map(\.path) == ["\(stage.path)/out/other"])
        }
    }

    @Test func `rejects an account whose outputs cannot be opened, and takes it later`()
        async throws
    {
        try await perform { stage, roster, start in
            try FileManager.default.createDirectory(
                atPath: "\(stage.path)/out/a",
                withIntermediateDirectories: false
            )
            try stage.put("a", stage.account("\(stage.path)/out/a"))
            await roster.reload(start: start)
            #expect(roster.loops.isEmpty)
            let problem = try #require(roster.rejections[stage.file("a")])
            #expect(problem.failure.step == .output)
            try FileManager.default.removeItem(atPath: "\(stage.path)/out/a")
            await roster.reload(start: start)
            #expect(roster.loops.keys.sorted() == ["a"])
            #expect(roster.rejections.isEmpty)
        }
    }

    @Test func `leaves a version in force whose successor's outputs cannot be opened`() async throws
    {
        try await perform { stage, roster, start in
            try stage.put("a", stage.account("\(stage.path)/out/a"))
            await roster.reload(start: start)
            let loop = try #require(roster.loops["a"])
            try stage.put("a", stage.account("\(stage.path)/accounts"))
            await roster.reload(start: start)
            #expect(roster.rejections.keys.sorted() == [stage.file("a")])
            #expect(loop.account.configuredOutputs.map(\.path) == ["\(stage.path)/out/a"])
            try stage.put("a", stage.account("\(stage.path)/out/a"))
            await roster.reload(start: start)
            #expect(roster.rejections.isEmpty)
        }
    }

    @Test func `goes on with what runs while the directory is away`() async throws {
        try await perform { stage, roster, start in
            try stage.put("a", stage.account("\(stage.path)/out/a"))
            await roster.reload(start: start)
            let loop = try #require(roster.loops["a"])
            let away = "\(stage.path)/away"
            try FileManager.default.moveItem(atPath: "\(stage.path)/accounts", toPath: away)
            await roster.reload(start: start)
            #expect(roster.loops["a"] === loop)
            #expect(!loop.snapshot.isStopping)
            #expect(roster.rejections.keys.contains("\(stage.path)/accounts"))
            try FileManager.default.moveItem(atPath: away, toPath: "\(stage.path)/accounts")
            await roster.reload(start: start)
            #expect(roster.rejections.isEmpty)
        }
    }
}
