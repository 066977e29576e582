import Testing

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: its end` {
    static let histories = [
        LifeHistory.Row(
            "the account is gone",
            of: "exit",
            LifeHistory.delivered + """
                1002 refresh
                    exchange 2 for p at 1002
                    - is ready settled attempting
                    - deadline 4600.25
                    - next attempt 1002, it is under way
                1002.1 gives token-2
                    log refreshed token-2
                    keep token-2 of p, revocations ["token-1"]
                    - credential token-2
                    - is ready settled delivering
                    - deadline 2712.1
                    - next attempt 2712.1, at 48 % of the credential's lifetime
                    - attempts 2 ended, 2 well; 2 took 0.35 s
                    - revocations token-1, 0 done, 0 failures
                1003 refresh
                    exchange 3 for p at 1003
                    - is ready settled attempting delivering
                    - deadline 4602.1
                    - next attempt 1003, it is under way
                1003.1 stop forever
                    - is ready settled attempting delivering stopping
                    - deadline none
                1003.2 gives token-3
                    - attempts 2 ended, 2 well; 3 took 0.55 s
                    - revocations token-1 token-3, 0 done, 0 failures
                1003.25 time
                1003.3 stopped
                    close true
                    keep token-2 of p, revocations ["token-1", "token-3"]
                1003.4 closed transient
                    log /out/0 failed: full
                    - phase pending
                    - credential none
                    - is attempting stopping
                    - outputs none
                    - revocations token-1 token-3 token-2, 0 done, 0 failures
                1003.45 kept
                    log kept
                    keep nothing of p, revocations ["token-1", "token-3", "token-2"]
                1003.5 kept
                    log kept
                    revoke token-1 of p
                    revoke token-3 of p
                    revoke token-2 of p
                1003.6 revoked token-1
                    log revoked one of p
                    keep nothing of p, revocations ["token-3", "token-2"]
                    - revocations token-3 token-2, 1 done, 0 failures
                1003.7 kept
                    log kept
                1003.8 revoked token-2
                    log revoked one of p
                    keep nothing of p, revocations ["token-3"]
                    - revocations token-3, 2 done, 0 failures
                1003.9 unrevoked token-3
                    log revocation failed: not yours
                    - revocations token-3, 2 done, 1 failures
                1004 kept full
                    log not kept: full
                    keep nothing of p, revocations ["token-3"]
                """
        ),
        LifeHistory.Row(
            "the account is gone, and its credential has run out",
            of: "exit",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.25 gives token-1 for 60
                log refreshed token-1
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - is delivering
                - deadline 1028.75
                - next attempt 1028.75, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.25 s
            1000.3 kept
                log kept
                deliver token-1
            1000.5 delivered ok
                log delivered to /out/0
                - is ready settled
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1061 stop forever
                - phase expired
                - is stopping
                - deadline none
            1061.1 stopped
                close true
            1061.2 closed
                keep token-1 of p, revocations []
            1061.3 kept
                log kept
            """
        ),
        LifeHistory.Row(
            "the account is gone, and nothing is to be revoked",
            of: "base",
            LifeHistory.delivered + """
                1002 refresh
                    exchange 2 for p at 1002
                    - is ready settled attempting
                    - deadline 4600.25
                    - next attempt 1002, it is under way
                1002.1 gives token-2
                    log refreshed token-2
                    keep token-2 of p, revocations ["token-1"]
                    - credential token-2
                    - is ready settled delivering
                    - deadline 2712.1
                    - next attempt 2712.1, at 48 % of the credential's lifetime
                    - attempts 2 ended, 2 well; 2 took 0.35 s
                    - revocations token-1, 0 done, 0 failures
                1002.2 stop forever
                    - is ready settled delivering stopping
                    - deadline none
                1002.3 stopped
                    close false
                    keep token-2 of p, revocations ["token-1"]
                1002.4 closed transient
                    log /out/0 failed: full
                1002.5 kept
                    log kept
                """
        ),
        LifeHistory.Row(
            "the agent ends",
            of: "exit",
            LifeHistory.delivered + """
                1002 refresh
                    exchange 2 for p at 1002
                    - is ready settled attempting
                    - deadline 4600.25
                    - next attempt 1002, it is under way
                1002.1 stop
                    - is ready settled attempting stopping
                    - deadline none
                1002.2 fails transient
                    log refresh failed: down; again in 1 s
                    - is ready settled stopping
                    - next attempt 1003.2, an attempt failed, transient at exchange
                    - failure down
                    - current failure down
                    - attempts 2 ended, 1 well, 1 transient at exchange; 2 took 0.45 s
                1002.3 time
                1002.4 stopped
                    close false
                1002.5 closed
                """
        ),
        LifeHistory.Row(
            "another version's first credential waits for the outputs",
            of: "base",
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
            1001 file other
                log another version is tried
                answer 1: ok
                exchange 2 for other at 1001
                - candidate other BRIGHT_TOKEN
                - is attempting delivering
            1001.5 gives token-2
                - is delivering
                - deadline none
                - attempts 1 ended, 1 well; 2 took 0.75 s
            1001.6 stop
                - is delivering stopping
            1001.7 stopped
                close false
                keep token-1 of p, revocations ["token-2"]
                - candidate none
                - revocations token-2, 0 done, 0 failures
            1001.8 kept
                log kept
            1001.9 closed
            """
        ),
        LifeHistory.Row(
            "another version's outputs are being opened, and the account is gone",
            of: "exit",
            LifeHistory.delivered + """
                1010 file other
                    log another version is tried
                    answer 1: ok
                    exchange 2 for other at 1010
                    - candidate other BRIGHT_TOKEN
                    - is attempting
                1010.5 gives token-2
                    open other BRIGHT_TOKEN
                    - is nothing
                    - deadline none
                    - attempts 1 ended, 1 well; 2 took 0.75 s
                1010.6 stop forever
                    - is stopping
                1010.7 stopped
                    close true
                    keep token-1 of p, revocations ["token-2"]
                    - candidate none
                    - is ready settled stopping
                    - revocations token-2, 0 done, 0 failures
                1010.8 kept
                    log kept
                1010.9 closed
                    keep nothing of p, revocations ["token-2", "token-1"]
                    - phase pending
                    - credential none
                    - is stopping
                    - next attempt 2710.25, there is no credential yet
                    - outputs none
                    - revocations token-2 token-1, 0 done, 0 failures
                1011 kept
                    log kept
                    revoke token-2 of other
                    revoke token-1 of p
                """
        ),
        LifeHistory.Row(
            "files that come after the end of all are answered once",
            of: "base",
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
            1000.4 file rest
                - deadline none
            1000.5 stop
                - is delivering stopping
            1000.6 file rest2
                answer 1: ok
                answer 2: ok
            1000.7 file base
                answer 3: ok
            """
        ),
        LifeHistory.Row(
            "a delivery hangs, and its end is no fault of what follows",
            of: "base",
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
            1000.4 stop
                - is delivering stopping
                - deadline none
            1000.5 stopped
                close false
            1100 closed
            """
        ),
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }
}
