import Testing

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: its hooks` {
    static let histories = [
        LifeHistory.Row(
            "it runs out before it is delivered, and nobody is told",
            of: "hooks",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.25 gives token-1 for 2
                log refreshed token-1
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - is delivering
                - deadline 1001.25
                - next attempt 1001.25, at 50 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.25 s
            1002.25 time
                exchange 2 for p at 1002.25
                log expired
                expire
                - phase expired
                - is attempting
                - deadline none
                - next attempt 1001.25, it is under way
            1002.3 kept
                log kept
            1002.4 withdrawn
            """
        ),
        LifeHistory.Row(
            "a newer one comes while one is being delivered",
            of: "hooks",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.25 gives token-1
                log refreshed token-1
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - is delivering
                - deadline 2710.25
                - next attempt 2710.25, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.25 s
            1000.3 kept
                log kept
                deliver token-1
            1001 refresh
                exchange 2 for p at 1001
                - is attempting delivering
                - deadline none
                - next attempt 1001, it is under way
            1001.1 gives token-2
                log refreshed token-2
                keep token-2 of p, revocations ["token-1"]
                - credential token-2
                - is delivering
                - deadline 2711.1
                - next attempt 2711.1, at 48 % of the credential's lifetime
                - attempts 2 ended, 2 well; 2 took 0.35 s
                - revocations token-1, 0 done, 0 failures
            1001.2 delivered ok
                log delivered to /out/0
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1001.3 kept
                log kept
                deliver token-2
            1001.4 delivered ok
                log delivered to /out/0
                run 1 hooks
                - is ready settled
                - deadline 1031.4
                - outputs ok
                - deliveries /out/0 2 ok 0 failed, 2 took 0.5 s
            1002 hooks bad
                log hook failed: bad
                - hooks 1 runs, 1 failures, bad
            1003 refresh
                exchange 3 for p at 1003
                - is ready settled attempting
                - next attempt 1003, it is under way
            1003.1 gives token-3
                log refreshed token-3
                keep token-3 of p, revocations ["token-1", "token-2"]
                - credential token-3
                - is ready settled delivering
                - next attempt 2713.1, at 48 % of the credential's lifetime
                - attempts 3 ended, 3 well; 3 took 0.45 s
                - revocations token-1 token-2, 0 done, 0 failures
            1003.2 kept
                log kept
                deliver token-3
            1003.3 delivered ok
                log delivered to /out/0
                run 1 hooks
                - is ready settled
                - deliveries /out/0 3 ok 0 failed, 3 took 0.75 s
            1004 refresh
                exchange 4 for p at 1004
                - is ready settled attempting
                - next attempt 1004, it is under way
            1004.1 gives token-4
                log refreshed token-4
                keep token-4 of p, revocations ["token-1", "token-2", "token-3"]
                - credential token-4
                - is ready settled delivering
                - next attempt 2714.1, at 48 % of the credential's lifetime
                - attempts 4 ended, 4 well; 4 took 0.55 s
                - revocations token-1 token-2 token-3, 0 done, 0 failures
            1004.2 kept
                log kept
                deliver token-4
            1004.3 delivered ok
                log delivered to /out/0
                - is ready settled
                - deliveries /out/0 4 ok 0 failed, 4 took 1 s
            1005 hooks
                log hooks done
                run 1 hooks
                - hooks 2 runs, 1 failures, well
            1006 hooks
                log hooks done
                - hooks 3 runs, 1 failures, well
            """
        ),
        LifeHistory.Row(
            "hooks are run although the file changes before the outputs hold it",
            of: "hooks",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.25 gives token-1
                log refreshed token-1
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - is delivering
                - deadline 2710.25
                - next attempt 2710.25, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.25 s
            1000.3 kept
                log kept
                deliver token-1
            1000.4 file hooks2
                - deadline none
            1000.5 delivered transient
                log /out/0 failed: full
                open p X
                - is nothing
                - current failure full
                - outputs full
                - deliveries /out/0 0 ok 1 failed, 1 took 0.25 s
            1000.6 opened
                log changed to p X
                answer 1: ok
                deliver token-1
                - account p X
                - deadline 2710.25
                - current failure none
                - outputs none
                - deliveries 1 took 0.25 s
            1000.7 delivered ok
                log delivered to /out/0
                run 1 hooks
                - is ready settled
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 2 took 0.5 s
            1001 hooks
                log hooks done
                - hooks 1 runs, 0 failures, well
            1002 file base
                open p BRIGHT_TOKEN
                - deadline none
            1003 opened
                log changed to p BRIGHT_TOKEN
                answer 2: ok
                deliver token-1
                - account p BRIGHT_TOKEN
                - is nothing
                - deadline 2710.25
                - outputs none
                - deliveries 2 took 0.5 s
            1004 delivered ok
                log delivered to /out/0
                - is ready settled
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 3 took 0.75 s
            1005 file hooks
                open p BRIGHT_TOKEN
                - deadline none
            1006 opened
                log changed to p BRIGHT_TOKEN
                answer 3: ok
                deliver token-1
                - is nothing
                - deadline 2710.25
                - outputs none
                - deliveries 3 took 0.75 s
            1007 delivered ok
                log delivered to /out/0
                - is ready settled
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 4 took 1 s
            """
        ),
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }
}
