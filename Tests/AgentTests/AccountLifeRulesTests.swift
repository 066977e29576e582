import Federation
import Kernel
import Testing
import Text

@testable import Agent
@testable import Outputs

/// The rules of an account's life one by one, each with the moments and effects that it asks for.
@Suite struct `The rules of an account's life` {
    private let broken = OutputReport.broken
    private let failure = Failure(.transient, at: .exchange, "down")

    private func failed(_ failure: Failure) -> JobAnswer<Credential> {
        .failure(failure)
    }

    // MARK: Hooks

    @Test func `hooks run once for each credential, after every output holds it`() throws {
        var life = try ScriptedLife(["onRefresh": [["command": ["/bin/true"]]]])
        life.obtain("token-1")
        #expect(!life.words.contains("hooks"))
        life.tell(.delivered([.fine, broken], seconds: 0))
        #expect(!life.words.contains("hooks"))
        life.at(1001)
        life.tell(.timePassed)
        #expect(life.words == ["deliver token-1"])
        life.tell(.delivered([.fine, .fine], seconds: 0))
        #expect(life.words == ["log", "log", "hooks"])
        life.tell(.hooksEnded([failure]))
        #expect(life.words == ["log"])
        #expect((life.life.hookRuns, life.life.hookFailures) == (1, 1))
        life.at(1010)
        life.tell(.outputsTouched)
        #expect(life.words == ["deliver token-1"])
        life.tell(.delivered([.fine, .fine], seconds: 0))
        #expect(life.words == ["log", "log"])
        // Not again while they run; for the next credential once they have ended.
        life.tell(.refreshRequested(delay: 0))
        #expect(life.words == ["exchange p"])
        life.tell(.exchanged(try life.attempt(), .credential("token-2", at: 1010)))
        life.tell(.kept(problem: nil))
        life.tell(.delivered([.fine, .fine], seconds: 0))
        #expect(life.words.contains("hooks"))
        life.tell(.hooksEnded([]))
        #expect((life.life.hookRuns, life.life.hookFailures) == (2, 1))
    }

    @Test func `a credential that is adopted runs no hooks and is not kept again`() throws {
        var life = try ScriptedLife(["onRefresh": [["command": ["/bin/true"]]]], starts: false)
        var kept = CredentialKeeper.Kept()
        kept.credential = .named("old")
        kept.superseded = [(.named("older"), try .revocable())]
        life.at(1600)
        life.tell(.started(kept))
        #expect(life.words == ["log", "deliver old"])
        #expect(life.life.nextAttempt == BootInstant(seconds: 1000 + 1710))
        life.tell(.delivered([.fine], seconds: 0))
        #expect(life.words == ["log"])
        #expect(life.life.isReady(at: life.now))
        life.at(1629.9)
        life.tell(.timePassed)
        #expect(life.words == [])
        life.at(1630)
        life.tell(.timePassed)
        #expect(life.words == ["revoke older of p"])
    }

    // MARK: Attempts

    @Test func `a refresh that is asked for twice is one, and never within a second`() throws {
        var life = try ScriptedLife()
        life.tell(.timePassed)
        life.tell(.refreshRequested(delay: 0))
        #expect(life.words == [])
        life.tell(.exchanged(try life.attempt(), failed(failure)))
        life.at(1000.4)
        life.tell(.refreshRequested(delay: 0))
        #expect(life.words == [])
        #expect(life.life.deadline == BootInstant(seconds: 1001))
        life.tell(.refreshRequested(delay: 3))
        #expect(life.life.deadline == BootInstant(seconds: 1003.4))
        #expect(life.life.failuresInARow == 1)
    }

    @Test func `two versions of an account share the second between attempts`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        // Refused 300 s before, the other version is due half a second before the refresh.
        life.at(2409.5)
        life.tell(.fileChanged(try .revocable(["projectId": "other"]), .init(id: 1)))
        let refusal = Failure(.refused, at: .exchange, "no")
        life.tell(.exchanged(try life.attempt(), failed(refusal)))
        #expect(life.life.deadline == BootInstant(seconds: 2709.5))
        life.at(2709.5)
        life.tell(.timePassed)
        #expect(life.words == ["exchange other"])
        #expect(life.life.deadline == BootInstant(seconds: 2710.5))
        life.tell(.exchanged(try life.attempt(), failed(failure)))
        // Twice failed, at a chance of a half: two seconds.
        life.at(2711.4)
        life.tell(.timePassed)
        #expect(life.words == ["exchange p"])
        life.at(2711.5)
        life.tell(.timePassed)
        #expect(life.words == [])
        #expect(life.life.deadline == BootInstant(seconds: 2712.4))
        life.at(2712.4)
        life.tell(.timePassed)
        #expect(life.words == ["exchange other"])
    }

    @Test func `an answer is known by its attempt, however late`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(1010)
        life.tell(.fileChanged(try .revocable(["projectId": "other"]), .init(id: 1)))
        let abandoned = try life.attempt()
        life.tell(.fileChanged(try .revocable(), .init(id: 2)))
        life.at(1020)
        life.tell(.refreshRequested(delay: 0))
        let present = try life.attempt()
        life.tell(.exchanged(present, .credential("token-2", at: 1020)))
        #expect(life.life.credential?.value.text == "token-2")
        life.tell(.exchanged(abandoned, .credential("token-3", at: 1020)))
        #expect(life.words == ["revoke token-3 of other"])
        // Each is answered once.
        life.tell(.exchanged(present, .credential("token-4", at: 1020)))
        life.tell(.exchanged(abandoned, .credential("token-5", at: 1020)))
        #expect(life.words == [])
        #expect(life.life.credential?.value.text == "token-2")
        #expect(life.life.refreshes == 2)
    }

    @Test func `a resume spreads what is overdue, and disturbs nothing else`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(2000)
        life.tell(.clockChanged)
        #expect(life.life.nextAttempt == BootInstant(seconds: 2710))
        life.at(3000)
        life.tell(.clockChanged)
        #expect(life.words == [])
        #expect(life.life.nextAttempt == BootInstant(seconds: 3015))
        // After the expiry nothing is gained by waiting.
        life.at(5000)
        life.tell(.clockChanged)
        #expect(life.words.contains("exchange p"))
    }

    // MARK: Outputs

    @Test func `an output that failed is tried again, ever more slowly`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        var now = 1000.0
        for pause in [1.0, 2, 4, 8] {
            life.tell(.delivered([broken], seconds: 0))
            #expect(life.life.deadline == BootInstant(seconds: now + pause))
            #expect(!life.life.isReady(at: life.now))
            now += pause
            life.at(now)
            life.tell(.timePassed)
            #expect(life.words == ["deliver token-1"])
        }
        life.tell(.delivered([.fine], seconds: 0))
        #expect(life.life.isReady(at: life.now))
        #expect(life.life.deliveries["/x"] == .init(ok: 1, failed: 4))
        life.at(1100)
        life.tell(.outputsTouched)
        life.tell(.delivered([broken], seconds: 0))
        #expect(life.life.deadline == BootInstant(seconds: 1101))
    }

    @Test func `what others change is put back, not twice in half a second`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(1000.2)
        life.tell(.outputsTouched)
        #expect(life.words == [])
        #expect(!life.life.isReady(at: life.now))
        #expect(life.life.deadline == BootInstant(seconds: 1000.5))
        life.at(1000.5)
        life.tell(.timePassed)
        #expect(life.words == ["deliver token-1"])
        // Once more, while it is being put back.
        life.at(1000.6)
        life.tell(.outputsTouched)
        life.tell(.delivered([.fine], seconds: 0.1))
        #expect(!life.life.isReady(at: life.now))
        life.at(1001)
        life.tell(.timePassed)
        #expect(life.words == ["deliver token-1"])
        life.tell(.delivered([.fine], seconds: 0))
        #expect(life.life.isReady(at: life.now))
        #expect(life.life.deadline == BootInstant(seconds: 2710))
    }

    @Test func `the expiry is told once`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(2710)
        life.tell(.timePassed)
        life.at(4600)
        life.tell(.timePassed)
        #expect(life.words == ["log", "expire"])
        #expect(!life.life.isReady(at: life.now))
        life.tell(.withdrawn([broken]))
        #expect(life.words == ["log"])
        life.tell(.outputsTouched)
        life.tell(.timePassed)
        #expect(life.words == [])
        #expect(life.life.deadline == nil)
    }

    @Test func `outputs that are lost are opened again`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.tell(.fileChanged(try .revocable(["variable": "X"]), .init(id: 1)))
        #expect(life.words == ["open p"])
        // No attempt while outputs change hands.
        life.tell(.refreshRequested(delay: 0))
        life.at(1002)
        life.tell(.timePassed)
        #expect(life.words == [])
        life.tell(.opened(.lost(failure)))
        #expect(life.words == ["answer down", "exchange p"])
        #expect(!life.life.isReady(at: life.now))
        life.at(1002.9)
        life.tell(.timePassed)
        #expect(life.words == [])
        life.at(1003)
        life.tell(.timePassed)
        #expect(life.words == ["open p"])
        life.tell(.opened(.lost(failure)))
        #expect(life.life.deadline == BootInstant(seconds: 1005))
        life.at(1005)
        life.tell(.timePassed)
        life.tell(.opened(.opened([])))
        #expect(life.words == ["deliver token-1"])
        life.tell(.delivered([.fine], seconds: 0))
        #expect(life.life.isReady(at: life.now))
        #expect(life.life.account.variable != "X")
    }

    // MARK: Revocation and the end

    // A service that gives the same credential again would have it taken back under its readers.
    @Test(arguments: [("token-1", 0), ("token-2", 1)])
    func `a credential that is given again is not superseded`(next: String, queued: Int) throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(1010)
        life.tell(.refreshRequested(delay: 0))
        life.obtain(next)
        #expect(
            life.life.revocations.entries.map(\.credential.value.text)
                == (queued == 0 ? [] : ["token-1"])
        )
        #expect(life.life.credential?.value.text == next)
    }

    /// Found by the simulation: it was revoked at once, and a full disk still held it.
    @Test func `what comes back and is not used stays until the next one is delivered`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(1010)
        life.tell(.fileChanged(try .revocable(["projectId": "other"]), .init(id: 1)))
        life.tell(.exchanged(try life.attempt(), .credential("token-2", at: 1010)))
        life.tell(.opened(.opened([])))
        life.tell(.kept(problem: nil))
        life.tell(.delivered([broken], seconds: 0))
        life.at(1011)
        life.tell(.fileChanged(try .revocable(), .init(id: 2)))
        #expect(life.words.contains("exchange p"))
        life.tell(.exchanged(try life.attempt(), .credential("token-1", at: 1011)))
        life.tell(.delivered([broken], seconds: 0))
        life.tell(.opened(.reverted(failure)))
        life.at(1100)
        life.tell(.timePassed)
        life.tell(.delivered([.fine], seconds: 0))
        #expect(life.life.revocations.entries.map(\.credential.value.text) == ["token-1"])
        #expect(life.life.revocations.nextEvent == BootInstant(seconds: 1130))
    }

    @Test(arguments: [true, false])
    func `a revocation that is asked for empties outputs and state first`(keptFirst: Bool) throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(1010)
        life.tell(.revocationRequested(.init(id: 1)))
        #expect(life.words == ["keep nothing", "withdraw"])
        #expect(!life.life.isReady(at: life.now))
        life.tell(keptFirst ? .kept(problem: nil) : .withdrawn([]))
        #expect(!life.words.contains("revoke token-1 of p"))
        life.tell(.revocationRequested(.init(id: 2)))
        #expect(life.words == ["answer"])
        life.tell(keptFirst ? .withdrawn([]) : .kept(problem: nil))
        #expect(life.words.contains("revoke token-1 of p"))
        let entry = try #require(life.revocation)
        life.tell(.revocationEnded(entry, nil))
        #expect(life.words == ["log", "answer", "keep nothing", "exchange p"])
        #expect(life.life.revocations.revoked == 1)
    }

    @Test func `a revocation that fails goes on, and the account with a new credential`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.at(1010)
        life.tell(.revocationRequested(.init(id: 1)))
        life.tell(.withdrawn([]))
        life.tell(.kept(problem: "full"))
        let entry = try #require(life.revocation)
        life.tell(.revocationEnded(entry, failure))
        #expect(life.words == ["log", "answer", "keep nothing", "exchange p"])
        life.at(1011)
        life.tell(.timePassed)
        #expect(life.words == ["revoke token-1 of p"])
    }

    @Test func `at its end for good an account revokes what it has, after the outputs`() throws {
        var life = try ScriptedLife(["revokeOnExit": true])
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.tell(.stopRequested(forGood: true))
        #expect(life.words == [])
        #expect(life.life.deadline == nil)
        life.tell(.stopped)
        #expect(life.words == ["close true"])
        life.tell(.closed([broken]))
        #expect(life.words == ["log", "keep nothing"])
        life.tell(.kept(problem: nil))
        #expect(life.words == ["log", "revoke token-1 of p"])
        let entry = try #require(life.revocation)
        life.tell(.revocationEnded(entry, nil))
        #expect(life.words == ["log", "keep nothing"])
        life.tell(.kept(problem: nil))
        #expect(life.words == ["log"])
    }

    @Test(arguments: [true, false])
    func `at its end an account keeps the credential where it is not to be revoked`(
        isForGood: Bool
    ) throws {
        var life = try ScriptedLife(["revokeOnExit": .bool(!isForGood)])
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        life.tell(.refreshRequested(delay: 0))
        life.at(1001)
        life.tell(.timePassed)
        let attempt = try life.attempt()
        life.tell(.stopRequested(forGood: isForGood))
        // What comes now is nobody's: it is revoked when another run begins.
        life.tell(.exchanged(attempt, .credential("token-2", at: 1001)))
        #expect(life.words == ["keep token-1"])
        #expect(life.life.revocations.entries.map(\.credential.value.text) == ["token-2"])
        life.tell(.stopped)
        #expect(life.words.contains("close false"))
        life.tell(.closed([]))
        #expect(!life.words.contains("keep nothing"))
        #expect(life.life.credential?.value.text == "token-1")
    }
}
