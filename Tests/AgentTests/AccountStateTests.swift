import Federation
import FoundationEssentials
import Platform
import TestSupport
import Testing

@testable import Agent
@testable import Outputs

@Suite struct `An account's state` {
    /// Whatever comes, in whatever order: attempts never come within a second of each other, and the
    /// loop is never told to look again at a moment that is past.
    @Test(arguments: 0..<200)
    func `never leads to a hot loop`(seed: UInt64) {
        var random = Generator(seed: seed)
        var now = BootInstant(seconds: 1000)
        var state = AccountState(start: now)
        var last: BootInstant?
        for _ in 0..<300 {
            if state.beginsAttempt(at: now) {
                if let last { #expect(now.seconds(since: last) >= 0.999_999) }
                last = now
                now = now.advanced(bySeconds: .random(in: 0...5, using: &random))
                end(&state, at: now, &random)
            } else if state.beginsRedelivery(at: now) != nil {
                state.record(
                    reports(&random),
                    after: 0,
                    at: now,
                    chance: .random(in: 0..<1, using: &random)
                )
            } else {
                let next = state.nextEvent
                #expect(next > now)
                now = max(now, next)
            }
            if Int.random(in: 0..<20, using: &random) == 0 { state.hasten(at: now) }
            _ = state.tellsExpiry(at: now)
        }
    }

    /// Found by an agent that said READY while a disk still failed: `wait` came between the exchange and
    /// the delivery.
    @Test func `is not ready before the credential is in its outputs`() {
        var state = AccountState(start: BootInstant(seconds: 1000))
        var random = Generator(seed: 1)
        for start in [1000.0, 5000] {
            let now = BootInstant(seconds: start)
            let credential = Credential(
                kind: .mondoo,
                value: Secret("x"),
                issuedAt: .now,
                lifetime: 3600,
                receivedAt: now
            )
            let result = JobResult(id: 1, outcome: .credential(credential))
            state.succeed(with: credential, result, chance: 0)
            #expect(!state.isReady(at: now))
            state.record(reports(&random, fails: false), after: 0, at: now, chance: 0)
            #expect(state.isReady(at: now))
        }
    }

    /// Found by a service that answered with such numbers, which ended the agent as it told its state.
    @Test(arguments: [1e-300, 1e-20, 0.001, 1e11])
    func `can be told whatever a service calls a lifetime`(lifetime: Double) {
        let now = BootInstant(seconds: 1000)
        var state = AccountState(start: now)
        let credential = Credential(
            kind: .mondoo,
            value: Secret("x"),
            issuedAt: .now,
            lifetime: lifetime,
            receivedAt: now
        )
        let result = JobResult(id: 1, outcome: .credential(credential))
        state.succeed(with: credential, result, chance: 0)
        #expect(state.nextReason.hasSuffix("% of the credential's lifetime"))
    }

    private func end(_ state: inout AccountState, at now: BootInstant, _ random: inout Generator) {
        let chance = Double.random(in: 0..<1, using: &random)
        guard Bool.random(using: &random) else {
            let `class` = Failure.Class.allCases.randomElement(using: &random) ?? .transient
            let patience = [0.0, 5, 4000].randomElement(using: &random)
            let failure = Failure(`class`, at: .exchange, "no", retryAfter: patience)
            return state.fail(failure, at: now, date: .now, chance: chance)
        }
        let lifetime = [1.0, 5.0, 60.0, 3600.0, 86_400.0].randomElement(using: &random) ?? 1.0
        let credential = Credential(
            kind: .mondoo,
            value: Secret("x"),
            issuedAt: .now,
            lifetime: lifetime,
            receivedAt: now
        )
        state.succeed(
            with: credential,
            JobResult(id: 1, outcome: .credential(credential)),
            chance: chance
        )
        state.record(reports(&random), after: 0, at: now, chance: chance)
    }

    private func reports(_ random: inout Generator, fails: Bool = true) -> [OutputReport] {
        let failure =
            fails && Int.random(in: 0..<3, using: &random) == 0
            ? Failure(.transient, at: .output, "full") : nil
        let output = Output(kind: .file(.raw, FileOptions()), path: "/x")
        return [OutputReport(output: output, facts: nil, failure: failure, warnings: [])]
    }
}

/// A generator with a seed (SplitMix64), so that a failing case can be run again.
