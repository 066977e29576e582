import Kernel
import Testing
import Text

@testable import Agent
@testable import Outputs

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: a credential that is given again` {
    /// How these begin: the first credential is there after half a second, kept and delivered.
    private static let delivered = """
        1000 start
            exchange 1 for p at 1000
            - is attempting
            - next attempt 1000, it is under way
        1000.5 gives token-1
            log refreshed token-1
            keep token-1 of p, revocations []
            - phase valid
            - credential token-1
            - is delivering
            - deadline 2710.5
            - next attempt 2710.5, at 48 % of the credential's lifetime
            - attempts 1 ended, 1 well; 1 took 0.5 s
        1000.6 kept
            log kept
            deliver token-1
        1000.7 delivered ok
            log delivered to /out/0
            - is ready settled
            - outputs ok
            - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s

        """

    /// The same with a second credential in its place, and the first one in the queue.
    private static let replaced =
        delivered + """
            1001.5 refresh
                exchange 2 for p at 1001.5
                - is ready settled attempting
                - deadline 4600.5
                - next attempt 1001.5, it is under way
            1002 gives token-2
                log refreshed token-2
                keep token-2 of p, revocations ["token-1"]
                - credential token-2
                - is ready settled delivering
                - deadline 2712
                - next attempt 2712, at 48 % of the credential's lifetime
                - attempts 2 ended, 2 well; 2 took 1 s
                - revocations token-1, 0 done, 0 failures
            1002.1 kept
                log kept
                deliver token-2
            1002.2 delivered ok
                log delivered to /out/0
                - is ready settled
                - deadline 1032.2
                - deliveries /out/0 2 ok 0 failed, 2 took 0.5 s

            """

    static let histories = [
        LifeHistory.Row(
            "while it waits to be revoked",
            of: "base",
            replaced + """
                1003 refresh
                    exchange 3 for p at 1003
                    - is ready settled attempting
                    - next attempt 1003, it is under way
                1003.1 gives token-1
                    log refreshed token-1
                    keep token-1 of p, revocations ["token-2"]
                    - credential token-1
                    - is ready settled delivering
                    - deadline 2713.1
                    - next attempt 2713.1, at 48 % of the credential's lifetime
                    - attempts 3 ended, 3 well; 3 took 1.1 s
                    - revocations token-2, 0 done, 0 failures
                1003.2 kept
                    log kept
                    deliver token-1
                1003.3 delivered ok
                    log delivered to /out/0
                    - is ready settled
                    - deadline 1033.3
                    - deliveries /out/0 3 ok 0 failed, 3 took 0.75 s
                1032.2 time
                1033.3 time
                    revoke token-2 of p
                    - deadline 2713.1
                1034 revoked token-2
                    log revoked one of p
                    keep token-1 of p, revocations []
                    - revocations none, 1 done, 0 failures
                1035 kept
                    log kept
                """
        ),
        LifeHistory.Row(
            "while it is being revoked",
            of: "base",
            replaced + """
                1032.2 time
                    revoke token-1 of p
                    - deadline 2712
                1032.3 refresh
                    exchange 3 for p at 1032.3
                    - is ready settled attempting
                    - deadline 4602
                    - next attempt 1032.3, it is under way
                1032.4 gives token-1
                    log refresh failed: the service gave a credential again that is being revoked; \
                again in 1 s
                    - is ready settled
                    - deadline 1033.4
                    - next attempt 1033.4, an attempt failed, transient at exchange
                    - failure the service gave a credential again that is being revoked
                    - current failure the service gave a credential again that is being revoked
                    - attempts 3 ended, 2 well, 1 transient at exchange; 3 took 1.1 s
                1033.4 time
                    exchange 4 for p at 1033.4
                    - is ready settled attempting
                    - deadline 4602
                    - next attempt 1033.4, it is under way
                1033.5 revoked token-1
                    log revoked one of p
                    keep token-2 of p, revocations []
                    - revocations none, 1 done, 0 failures
                1033.6 kept
                    log kept
                1033.7 gives token-1
                    log refresh failed: the service gave a credential again that is being revoked; \
                again in 2 s
                    - is ready settled
                    - deadline 1035.7
                    - next attempt 1035.7, 2 attempts failed, transient at exchange
                    - attempts 4 ended, 2 well, 2 transient at exchange; 4 took 1.4 s
                1035.7 time
                    exchange 5 for p at 1035.7
                    - is ready settled attempting
                    - deadline 4602
                    - next attempt 1035.7, it is under way
                1035.8 gives token-3
                    log refreshed token-3
                    keep token-3 of p, revocations ["token-2"]
                    - credential token-3
                    - is ready settled delivering
                    - deadline 2745.8
                    - next attempt 2745.8, at 48 % of the credential's lifetime
                    - failure none
                    - current failure none
                    - attempts 5 ended, 3 well, 2 transient at exchange; 5 took 1.5 s
                    - revocations token-2, 1 done, 0 failures
                """
        ),
        LifeHistory.Row(
            "while its revocation is asked for",
            of: "base",
            delivered + """
                1001.5 refresh
                    exchange 2 for p at 1001.5
                    - is ready settled attempting
                    - deadline 4600.5
                    - next attempt 1001.5, it is under way
                1002 revoke
                    keep nothing of p, revocations ["token-1"]
                    withdraw
                    - phase pending
                    - credential none
                    - is attempting
                    - deadline none
                    - outputs none
                    - revocations token-1, 0 done, 0 failures
                1002.1 gives token-1
                    log refresh failed: the service gave a credential again that is being revoked; \
                again in 1 s
                    - is nothing
                    - deadline 1003.1
                    - next attempt 1003.1, an attempt failed, transient at exchange
                    - failure the service gave a credential again that is being revoked
                    - current failure the service gave a credential again that is being revoked
                    - attempts 2 ended, 1 well, 1 transient at exchange; 2 took 1.1 s
                1002.2 withdrawn
                1002.3 kept
                    log kept
                    revoke token-1 of p
                1002.4 unrevoked token-1
                    log revocation failed: not yours
                    answer 1: not yours
                    keep nothing of p, revocations ["token-1"]
                    - deadline 1002.5
                    - next attempt 1002.5, an attempt failed, transient at exchange
                    - revocations token-1, 0 done, 1 failures
                1002.5 time
                    exchange 3 for p at 1002.5
                    - is attempting
                    - deadline 1302.4
                    - next attempt 1002.5, it is under way
                1003 time
                1003.5 gives token-1
                    log refreshed token-1
                    - phase valid
                    - credential token-1
                    - is delivering
                    - deadline 2713.5
                    - next attempt 2713.5, at 48 % of the credential's lifetime
                    - failure none
                    - current failure none
                    - attempts 3 ended, 2 well, 1 transient at exchange; 3 took 2.1 s
                    - revocations none, 0 done, 1 failures
                1003.6 kept
                    log kept
                    keep token-1 of p, revocations []
                """
        ),
        LifeHistory.Row(
            "to an attempt that nobody waits for any more",
            of: "base",
            delivered + """
                1001 file other
                    log another version is tried
                    answer 1: ok
                    exchange 2 for other at 1001
                    - candidate other BRIGHT_TOKEN
                    - is attempting
                1001.5 file base
                    answer 2: ok
                    - candidate none
                    - is ready settled
                1001.6 gives token-1
                1002 file other
                    log another version is tried
                    answer 3: ok
                    exchange 3 for other at 1002
                    - candidate other BRIGHT_TOKEN
                    - is attempting
                1002.1 gives token-1
                    open other BRIGHT_TOKEN
                    - is nothing
                    - deadline none
                    - attempts 1 ended, 1 well; 2 took 0.6 s
                1002.2 reverted
                    log the other version failed: no place; again in 300 s
                    deliver token-1
                    - is settled
                    - deadline 1302.2
                    - current failure no place
                    - attempts 2 ended, 1 well, 1 misconfigured at output; 2 took 0.6 s
                1002.3 delivered ok
                    log delivered to /out/0
                    - deliveries /out/0 2 ok 0 failed, 2 took 0.5 s
                """
        ),
        LifeHistory.Row(
            "to another version that waits for the outputs",
            of: "base",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.5 gives token-1
                log refreshed token-1
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - is delivering
                - deadline 2710.5
                - next attempt 2710.5, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.5 s
            1000.6 kept
                log kept
                deliver token-1
            1000.7 delivered ok
                log delivered to /out/0
                - is ready settled
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1000.8 touched
                - is nothing
                - deadline 1001.1
            1001.2 time
                deliver token-1
                - deadline 2710.5
            1001.25 file other
                log another version is tried
                answer 1: ok
                exchange 2 for other at 1001.25
                - candidate other BRIGHT_TOKEN
                - is attempting
            1001.5 gives token-2
                - is delivering
                - deadline none
                - attempts 1 ended, 1 well; 2 took 0.75 s
            1002.3 file third
                log another version is tried
                answer 2: ok
                keep token-1 of p, revocations ["token-2"]
                exchange 3 for third at 1002.3
                revoke token-2 of other
                - candidate third BRIGHT_TOKEN
                - is attempting
                - deadline 2710.5
                - revocations token-2, 0 done, 0 failures
            1002.4 gives token-2
                log the other version failed: the service gave a credential again that is being \
            revoked; again in 1 s
                - is nothing
                - deadline 1003.4
                - current failure the service gave a credential again that is being revoked
                - attempts 2 ended, 1 well, 1 transient at exchange; 3 took 0.85 s
            1002.5 file third
                log another version is tried
                answer 3: ok
                - deadline 1003.3
            1002.6 delivered ok
                log delivered to /out/0
                - deliveries /out/0 2 ok 0 failed, 2 took 0.5 s
            """
        ),
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }

    @Test func `what an earlier agent may have delivered is revoked after a delivery`() throws {
        var life = try ScriptedLife()
        life.tell(.timePassed)
        let abandoned = try life.attempt()
        life.tell(.fileChanged(try .revocable(["projectId": "other"]), .init(id: 1)))
        #expect(life.words == ["open other"])
        life.tell(.opened(.opened([])))
        // The service gives again what it gave the agent before, whose output still holds it.
        life.tell(.exchanged(abandoned, .credential("token-1", at: 1000)))
        life.tell(.kept(problem: nil))
        life.tell(.kept(problem: nil))
        life.at(1001)
        life.obtain("token-2")
        #expect(life.words == ["log", "deliver token-2"])
        life.tell(.delivered([.broken], seconds: 0))
        life.at(1060)
        life.tell(.timePassed)
        #expect(life.words == ["deliver token-2"])
        life.tell(.delivered([.fine], seconds: 0))
        life.at(1089.9)
        life.tell(.timePassed)
        #expect(life.words == [])
        life.at(1090)
        life.tell(.timePassed)
        #expect(life.words == ["revoke token-1 of p"])
    }
}
