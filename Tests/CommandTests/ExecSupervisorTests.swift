import Agent
import Federation
import Testing
import Text

@testable import Kernel
@testable import wif_agent

/// The children are real; the events are the test's.
@Suite(.timeLimit(.minutes(1))) struct `A supervised command` {
    private func supervisor(
        _ script: String,
        atRefresh: ExecOptions.AtRefresh = .nothing
    ) throws -> ExecSupervisor {
        try supervisor(["/bin/sh", "-c", script], atRefresh)
    }

    private func supervisor(
        _ command: [String],
        _ atRefresh: ExecOptions.AtRefresh = .nothing
    ) throws -> ExecSupervisor {
        let file = #"{"type":"external_account","audience":"//x/spaces/y","issuerUri":"x"}"#
        return ExecSupervisor(
            options: ExecOptions(
                format: .raw,
                atRefresh: atRefresh,
                requiresRevocation: false,
                command: command.map { Array($0.utf8) }
            ),
            environment: ExecEnvironment(
                account: try Account(parsing: Secret(file), path: "/etc/a.json"),
                path: "/run/x/credential"
            ),
            origin: .plain,
            log: Log(level: .error, format: .text) { _ in }
        )
    }

    private func credential(_ second: Double) -> Credential {
        Credential(
            kind: .mondoo,
            value: Secret("x"),
            issuedAt: WallTime(secondsSinceEpoch: 0),
            lifetime: 60,
            receivedAt: BootInstant(seconds: second)
        )
    }

    private func signal(_ number: Int32, sender: Int32 = 1) -> ExecSession.Event {
        .signal(Signals.Arrival(number: number, sender: sender, isFromKernel: false))
    }

    /// What came of an event: the exit code, who is watched from here on, and whose time runs.
    private struct Outcome {
        var code: Int32?
        var started: ExecChild?
        var isTimed = false
    }

    private func tell(
        _ event: ExecSession.Event,
        _ supervisor: inout ExecSupervisor
    ) throws -> Outcome {
        var outcome = Outcome()
        outcome.code = try supervisor.handle(
            event,
            watch: { outcome.started = $0 },
            patience: { _ in outcome.isTimed = true }
        )
        return outcome
    }

    @Test func `starts with the first credential, and its exit code is the end`() async throws {
        var supervisor = try supervisor(
            #"test "$WIF_AGENT_FILE" = /run/x/credential && exit 7; exit 8"#
        )
        let child = try #require(try tell(.delivered(credential(1)), &supervisor).started)
        // The same one once more, and a newer one: nothing was asked for at a refresh.
        #expect(try tell(.delivered(credential(1)), &supervisor).started == nil)
        #expect(try tell(.delivered(credential(2)), &supervisor).started == nil)
        try await child.process.ended()
        #expect(try tell(.ended(child), &supervisor).code == 7)
    }

    @Test func `is started again for a newer credential where that is wanted`() async throws {
        var supervisor = try supervisor("exec sleep 1000", atRefresh: .restart)
        let first = try #require(try tell(.delivered(credential(1)), &supervisor).started)
        #expect(try tell(.delivered(credential(2)), &supervisor).isTimed)
        // It is asked once.
        #expect(try !tell(.delivered(credential(3)), &supervisor).isTimed)
        try await first.process.ended()
        let ended = try tell(.ended(first), &supervisor)
        let second = try #require(ended.started)
        #expect(ended.code == nil)
        // What is told of the one before it concerns nobody.
        #expect(try tell(.overdue(first), &supervisor).code == nil)
        #expect(try tell(.ended(first), &supervisor).code == nil)
        #expect(second.process.statusIfEnded() == nil)
        #expect(try tell(.overdue(second), &supervisor).code == nil)
        try await second.process.ended()
        #expect(try tell(.ended(second), &supervisor).code == 128 + Signal.kill)
    }

    @Test func `is sent what this process is sent, and not its own signals`() async throws {
        var supervisor = try supervisor("exec sleep 1000", atRefresh: .restart)
        let child = try #require(try tell(.delivered(credential(1)), &supervisor).started)
        let own = signal(Signal.terminate, sender: child.process.pid)
        #expect(try tell(own, &supervisor).code == nil)
        #expect(child.process.statusIfEnded() == nil)
        #expect(try tell(signal(Signal.terminate), &supervisor).code == nil)
        try await child.process.ended()
        // Whoever asks for the end gets it: no restart follows.
        let ended = try tell(.ended(child), &supervisor)
        #expect(ended.started == nil)
        #expect(ended.code == 128 + Signal.terminate)
    }

    @Test func `gets the signal that a refresh is told by`() async throws {
        var supervisor = try supervisor(
            "exec sleep 1000",
            atRefresh: .signal(Signal.user1)
        )
        let child = try #require(try tell(.delivered(credential(1)), &supervisor).started)
        #expect(try !tell(.delivered(credential(2)), &supervisor).isTimed)
        try await child.process.ended()
        #expect(try tell(.ended(child), &supervisor).code == 128 + Signal.user1)
    }

    @Test func `does not begin where a signal or a failure comes first`() throws {
        var supervisor = try supervisor("exit 0")
        #expect(try tell(signal(Signal.user1), &supervisor).code == nil)
        #expect(try tell(signal(Signal.interrupt), &supervisor).code == 128 + Signal.interrupt)
        let failure = Failure(.transient, at: .output, "full")
        #expect(throws: CommandFailure.self) { try tell(.undeliverable(failure), &supervisor) }
    }

    @Test(arguments: [("/does/not/exist", 127), ("/", 126)])
    func `that cannot be started has the shell's exit code`(path: String, code: Int32) throws {
        var supervisor = try supervisor([path])
        do {
            _ = try tell(.delivered(credential(1)), &supervisor)
            Issue.record("started")
        } catch let error as CommandFailure {
            #expect(error.exitCode == code)
            #expect(error.failure.message.hasPrefix("\(path): "))
        }
    }
}
