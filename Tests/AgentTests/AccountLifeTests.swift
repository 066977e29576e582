import Federation
import FoundationEssentials
import Kernel
import TestSupport
import Testing
import Text

@testable import Agent
@testable import Outputs

@Suite struct `An account's life` {
    private let start = BootInstant(seconds: 1000)

    /// Found by an agent that said READY while a disk still failed: `wait` came between the exchange and
    /// the delivery.
    @Test func `is not ready before the credential is in its outputs`() throws {
        var life = try ScriptedLife()
        for moment in [1000.0, 5000] {
            life.at(moment)
            life.tell(.timePassed)
            // The second time the first credential has expired.
            life.tell(.withdrawn([]))
            let serial = life.life.refreshes + 1
            life.tell(.exchanged(try life.attempt(), .credential("token-\(serial)", at: moment)))
            #expect(!life.life.isReady(at: life.now))
            life.tell(.kept(problem: nil))
            #expect(!life.life.isReady(at: life.now))
            life.tell(.delivered([.fine], seconds: 0.1))
            #expect(life.life.isReady(at: life.now))
        }
    }

    /// Found by a service that answered with such numbers, which ended the agent as it told its state.
    @Test(arguments: [1e-300, 1e-20, 0.001, 1e11])
    func `can be told whatever a service calls a lifetime`(lifetime: Double) throws {
        var life = try ScriptedLife()
        life.tell(.timePassed)
        let result = JobAnswer.credential("x", at: 1000, lifetime: lifetime)
        life.tell(.exchanged(try life.attempt(), result))
        #expect(life.life.nextReason.hasSuffix("% of the credential's lifetime"))
    }

    @Test func `delivers nothing that a restart would not know of`() throws {
        var life = try ScriptedLife()
        life.tell(.timePassed)
        life.tell(.exchanged(try life.attempt(), .credential("token-1", at: 1000)))
        #expect(life.effects.map(\.word) == ["log", "keep token-1"])
        life.tell(.kept(problem: nil))
        #expect(life.effects.map(\.word) == ["log", "deliver token-1"])
    }

    @Test func `does not go back to the credential that was being delivered when a newer one came`()
        throws
    {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.refreshRequested(delay: 0))
        life.at(1001)
        life.tell(.timePassed)
        let attempt = try life.attempt()
        life.tell(.exchanged(attempt, .credential("token-2", at: 1001)))
        life.tell(.kept(problem: nil))
        #expect(!life.effects.map(\.word).contains("deliver token-2"))
        life.tell(.delivered([.fine], seconds: 1))
        #expect(life.effects.map(\.word).contains("deliver token-2"))
        #expect(life.life.revocations.nextEvent == nil)
        life.tell(.delivered([.fine], seconds: 1))
        #expect(life.life.revocations.nextEvent == BootInstant(seconds: 1031))
    }

    struct Rotation: CustomTestStringConvertible {
        let failure: Failure.Class
        let isTriedAtOnce: Bool

        var testDescription: String { "\(failure)" }
    }

    static let rotations = [
        Rotation(failure: .noSource, isTriedAtOnce: true),
        Rotation(failure: .refused, isTriedAtOnce: true),
        Rotation(failure: .misconfigured, isTriedAtOnce: true),
        Rotation(failure: .throttled, isTriedAtOnce: false),
        Rotation(failure: .transient, isTriedAtOnce: false),
    ]

    @Test(arguments: rotations)
    func `tries another token at once where the last one was at fault`(_ row: Rotation) throws {
        var life = try ScriptedLife()
        life.tell(.timePassed)
        let failure = Failure(row.failure, at: .subjectToken, "no", retryAfter: 60)
        life.tell(.exchanged(try life.attempt(), .failure(failure)))
        life.at(1005)
        life.tell(.tokenFileChanged)
        #expect(life.life.isAttempting == row.isTriedAtOnce)
    }

    @Test func `tries a token again that came while the last one was refused`() throws {
        var life = try ScriptedLife()
        life.tell(.timePassed)
        let attempt = try life.attempt()
        life.tell(.tokenFileChanged)
        let failure = Failure(.refused, at: .exchange, "expired")
        life.tell(.exchanged(attempt, .failure(failure)))
        #expect(life.life.pace.next == BootInstant(seconds: 1001))
        life.at(1001)
        life.tell(.timePassed)
        life.tell(.exchanged(try life.attempt(), .failure(failure)))
        #expect(life.life.pace.next > BootInstant(seconds: 1010))
    }

    @Test func `leaves a credential that works alone when the token is rotated`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        let next = life.life.pace.next
        life.tell(.tokenFileChanged)
        #expect(life.life.pace.next == next)
        #expect(!life.life.isAttempting)
    }

    // MARK: Other versions of the file

    @Test func `carries the credential over where the identity stays`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.tell(.fileChanged(try .revocable(["variable": "X"]), .init(id: 1)))
        #expect(life.effects.map(\.word) == ["open p"])
        life.tell(.opened(.opened([])))
        #expect(life.effects.map(\.word) == ["log", "answer ok", "deliver token-1"])
        #expect(life.life.account.variable == "X")
        life.tell(.delivered([.fine], seconds: 0))
        #expect(life.life.isReady(at: life.now))
        #expect(life.life.revocations.entries.isEmpty)
    }

    @Test func `leaves the last good version in force until another identity has a credential`()
        throws
    {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(1010)
        let other = try Account.revocable(["projectId": "other"])
        life.tell(.fileChanged(other, .init(id: 1)))
        #expect(life.effects.map(\.word) == ["log", "answer ok", "exchange other"])
        #expect(!life.life.isReady(at: life.now))
        #expect(life.life.answer(for: other.document, newerThan: nil, at: life.now) == nil)
        let refusal = Failure(.refused, at: .exchange, "no such project")
        life.tell(.exchanged(try life.attempt(), .failure(refusal)))
        // The new bytes get the new version's failure, the old ones the credential.
        guard case .failure(let failure)? = life.answer(for: other) else {
            Issue.record("the new version has no failure")
            return
        }
        #expect(failure.message == "no such project")
        guard case .success(let credential)? = life.answer(for: try .revocable()) else {
            Issue.record("the old version has no credential")
            return
        }
        #expect(credential.value.text == "token-1")
        #expect(life.life.deadline == BootInstant(seconds: 1310))
        life.at(1310)
        life.tell(.timePassed)
        #expect(life.effects.map(\.word) == ["exchange other"])
        life.tell(.exchanged(try life.attempt(), .credential("token-2", at: 1310)))
        #expect(life.effects.map(\.word) == ["open other"])
        #expect(life.life.credential?.value.text == "token-1")
        life.tell(.opened(.opened([])))
        #expect(life.effects.map(\.word) == ["log", "log", "keep token-2"])
        life.tell(.kept(problem: nil))
        life.tell(.delivered([.fine], seconds: 0))
        #expect(life.life.isReady(at: life.now))
        #expect(life.life.revocations.entries.map(\.credential.value.text) == ["token-1"])
        #expect(life.life.revocations.nextEvent == BootInstant(seconds: 1340))
    }

    @Test func `goes back to the last good version where the new one's outputs cannot be opened`()
        throws
    {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(1010)
        life.tell(.fileChanged(try .revocable(["projectId": "other"]), .init(id: 1)))
        life.tell(.exchanged(try life.attempt(), .credential("token-2", at: 1010)))
        life.tell(.opened(.reverted(Failure(.misconfigured, at: .output, "no place"))))
        let words = life.effects.map(\.word)
        #expect(words.contains("deliver token-1"))
        #expect(words.contains("revoke token-2 of other"))
        #expect(life.life.account.identity == (try Account.revocable().identity))
        #expect(life.life.candidate?.pace.lastFailure?.failure.message == "no place")
    }

    @Test func `forgets another identity when the file goes back, and revokes what comes of it`()
        throws
    {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(1010)
        life.tell(.fileChanged(try .revocable(["projectId": "other"]), .init(id: 1)))
        let attempt = try life.attempt()
        life.tell(.fileChanged(try .revocable(), .init(id: 2)))
        #expect(life.life.isReady(at: life.now))
        life.tell(.exchanged(attempt, .credential("token-2", at: 1010)))
        #expect(life.effects.map(\.word) == ["keep token-1", "revoke token-2 of other"])
        #expect(life.life.credential?.value.text == "token-1")
    }

    @Test func `replaces at once a version that has no valid credential`() throws {
        var life = try ScriptedLife()
        life.tell(.timePassed)
        let attempt = try life.attempt()
        life.at(1010)
        life.tell(.fileChanged(try .revocable(["projectId": "other"]), .init(id: 1)))
        #expect(life.effects.map(\.word) == ["open other"])
        life.tell(.opened(.opened([])))
        #expect(life.effects.map(\.word).contains("exchange other"))
        // What the old version obtains in the end is nobody's.
        life.tell(.exchanged(attempt, .credential("token-1", at: 1010)))
        #expect(life.life.credential == nil)
        #expect(life.life.revocations.entries.map(\.credential.value.text) == ["token-1"])
    }
}
