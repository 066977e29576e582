import Federation
import FoundationEssentials
import Glibc
import Kernel
import TestSupport
import Testing

@testable import Agent

/// A client of the control socket, before real sockets.
@Suite(.timeLimit(.minutes(1))) struct `A client of a running agent` {
    private static func failure(of directory: String, timeout: Double = 60) async throws
        -> AgentClient.Unreachable
    {
        try await #require(throws: AgentClient.Unreachable.self) {
            _ = try await AgentClient(directory: directory).ask("GET", "/livez", timeout: timeout)
        }
    }

    @Test func `finds none where there is no directory, no socket, or nobody behind it`()
        async throws
    {
        let place = ScratchDirectory()
        #expect(try await Self.failure(of: place("gone")).kind == .absent)
        let missing = try await Self.failure(of: place.path)
        #expect(missing.kind == .absent)
        #expect(missing.failure.class == .transient)
        #expect(missing.hint?.hasPrefix("start it: systemctl start wif-agent ") == true)
        #expect(missing.reason.hasPrefix("\(place.path)/control.sock: "))
        // Left behind by one that was killed.
        do { _ = try Listener(.unix(path: place("control.sock"))) }
        #expect(try await Self.failure(of: place.path).kind == .absent)
    }

    @Test func `gives what the agent answers`() async throws {
        let place = ScratchDirectory()
        let reply = "HTTP/1.1 503 X\r\ncontent-length: 10\r\n\r\n{\"a\":1}\u{1B}\n\n"
        try await ScriptedServer.serving(
            at: .unix(path: place("control.sock")),
            answer: { _ in .send(reply) }
        ) { server in
            let client = AgentClient(directory: place.path)
            let answer = try await client.ask("GET", "/status?x=1", timeout: 5)
            #expect(answer.status == 503)
            #expect(answer.text == "{\"a\":1}?\n\n")
            #expect(answer.json == nil)
            #expect(server.requests.first?.line == "GET /status?x=1 HTTP/1.1")
        }
    }

    @Test(arguments: ["", "no HTTP\r\n\r\n", "HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\nx"])
    func `takes an answer that breaks off for none`(reply: String) async throws {
        let place = ScratchDirectory()
        let failure = try await ScriptedServer.serving(
            at: .unix(path: place("control.sock")),
            answer: { _ in .sendAndClose(reply) }
        ) { _ in try await Self.failure(of: place.path) }
        #expect(failure.kind == .broken)
        #expect(failure.hint == nil)
    }

    @Test func `tells one that is late from one that hangs`() async throws {
        let place = ScratchDirectory()
        let late = try await ScriptedServer.serving(
            at: .unix(path: place("control.sock")),
            answer: { _ in .silence }
        ) { _ in try await Self.failure(of: place.path, timeout: 0.2) }
        #expect(late.kind == .late)
        #expect(late.reason.hasSuffix("does not answer: nothing came in 1 s"))
    }

    @Test func `an agent that takes no connection hangs`() async throws {
        let place = ScratchDirectory()
        let listener = try Listener(.unix(path: place("control.sock")))
        defer { _ = listener }
        let failure = try await Self.failure(of: place.path, timeout: 600)
        #expect(failure.kind == .hung)
        #expect(failure.hint?.contains("systemctl restart wif-agent") == true)
    }

    @Test func `looks in the given directory alone`() {
        let all = AgentClient.all(runtimeDirectory: "/nowhere", environment: [:])
        #expect(all.map(\.directory) == ["/nowhere"])
        #expect(all.map(\.isInstance) == [false])
        #expect(AgentClient(directory: "/run/wif-agent/x").isInstance)
        // Only those that have a socket, among the usual places.
        let environment = ["XDG_RUNTIME_DIR": "/nowhere"]
        let usual = AgentClient.all(runtimeDirectory: nil, environment: environment)
        #expect(!usual.contains { $0.directory == "/nowhere/wif-agent" })
    }
}
