import Federation
import Kernel
import Testing
import Text

@testable import Agent

/// What others ask of a life, at its limits.
@Suite struct `An account's life is asked` {
    // An attempt under way since 1000, a patience of 60 s, and 30 s for an alarm that is late.
    @Test(arguments: [(1090.0, false), (1090.001, true)])
    func `whether it is stuck`(moment: Double, isStuck: Bool) throws {
        let life = try ScriptedLife()
        #expect(life.life.isStuck(at: BootInstant(seconds: moment), patience: 60) == isStuck)
    }

    // The next attempt was due at 2710, and no alarm has come.
    @Test(arguments: [(2740.0, false), (2740.001, true)])
    func `whether an alarm is missing`(moment: Double, isStuck: Bool) throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        life.tell(.delivered([.fine], seconds: 0))
        #expect(life.life.deadline == BootInstant(seconds: 2710))
        #expect(life.life.isStuck(at: BootInstant(seconds: moment), patience: 60) == isStuck)
    }

    @Test func `for a credential newer than one that is known`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        let document = life.life.account.document
        func answer(_ older: Double?) -> String? {
            let instant = older.map { BootInstant(seconds: $0) }
            guard
                case .success(let credential)? = life.life.answer(
                    for: document,
                    newerThan: instant,
                    at: life.now
                )
            else { return nil }
            return credential.value.text
        }
        #expect(answer(nil) == "token-1")
        #expect(answer(999.9) == "token-1")
        #expect(answer(1000) == nil)
        #expect(answer(1000.1) == nil)
    }

    @Test(arguments: [
        (Failure.Class.refused, true), (.misconfigured, true), (.transient, false),
        (.throttled, false), (.noSource, false),
    ])
    func `with the bytes of its file, once it makes no sense to wait`(
        class: Failure.Class,
        isFinal: Bool
    ) throws {
        var life = try ScriptedLife()
        let failure = Failure(`class`, at: .exchange, "no")
        #expect(life.answer(for: life.life.account) == nil)
        life.tell(.exchanged(try life.attempt(), .failure(failure)))
        let answer = life.answer(for: life.life.account)
        guard isFinal else { return #expect(answer == nil) }
        guard case .failure(let told)? = answer else {
            Issue.record("no failure is answered")
            return
        }
        #expect(told == failure)
        #expect(life.life.isSettled(at: life.now))
    }

    @Test func `whether it knows the bytes of a file`() throws {
        var life = try ScriptedLife()
        life.obtain("token-1")
        let other = try Account.revocable(["projectId": "other"])
        let third = try Account.revocable(["projectId": "third"])
        #expect(life.life.knows(life.life.account.document))
        #expect(!life.life.knows(other.document))
        life.at(1010)
        life.tell(.fileChanged(other, .init(id: 1)))
        #expect(life.life.knows(life.life.account.document))
        #expect(life.life.knows(other.document))
        #expect(!life.life.knows(third.document))
        guard case .failure(let failure)? = life.answer(for: third) else {
            Issue.record("bytes that nobody knows have an answer")
            return
        }
        #expect(failure.class == .transient)
    }
}
