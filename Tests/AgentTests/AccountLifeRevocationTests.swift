import Testing

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: revocations that are asked for` {
    static let histories = [
        LifeHistory.Row(
            "a revocation that is asked for",
            of: "base",
            """
            1000 revoke
                answer 1: nothing to revoke
            1000.1 start
                exchange 1 for p at 1000.1
                - is attempting
                - next attempt 1000, it is under way
            1000.2 revoke
                answer 2: nothing to revoke
            1000.25 gives token-1
                log refreshed token-1
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - is delivering
                - deadline 2710.25
                - next attempt 2710.25, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.15 s
            1000.3 kept
                log kept
                deliver token-1
            1000.4 revoke
                keep nothing of p, revocations ["token-1"]
                - phase pending
                - credential none
                - is nothing
                - next attempt 2710.25, there is no credential yet
                - revocations token-1, 0 done, 0 failures
            1000.45 revoke
                answer 4: nothing to revoke
            1000.5 delivered ok transient
                log delivered to /out/0
                log /out/1 failed: full
                withdraw
                - deliveries /out/0 1 ok 0 failed, /out/1 0 ok 1 failed, 1 took 0.25 s
            1000.6 kept
                log kept
            1000.7 withdrawn transient ok
                log /out/0 failed: full
                revoke token-1 of p
            1000.75 time
            1000.8 revoked token-1
                log revoked one of p
                answer 3: revoked
                keep nothing of p, revocations []
                - deadline 1001.1
                - next attempt 1001.1, there is no credential yet
                - revocations none, 1 done, 0 failures
            1000.9 kept
                log kept
            1001.1 time
                exchange 2 for p at 1001.1
                - is attempting
                - deadline none
                - next attempt 1001.1, it is under way
            1001.2 gives token-2
                log refreshed token-2
                keep token-2 of p, revocations []
                - phase valid
                - credential token-2
                - is delivering
                - deadline 2711.2
                - next attempt 2711.2, at 48 % of the credential's lifetime
                - attempts 2 ended, 2 well; 2 took 0.25 s
            1001.3 kept
                log kept
                deliver token-2
            1001.4 delivered ok transient
                log delivered to /out/0
                log /out/1 failed: full
                - is nothing
                - deadline 1002.4
                - current failure full
                - outputs ok full
                - deliveries /out/0 2 ok 0 failed, /out/1 0 ok 2 failed, 2 took 0.5 s
            1001.5 revoke
                keep nothing of p, revocations ["token-2"]
                withdraw
                - phase pending
                - credential none
                - deadline 2711.2
                - next attempt 2711.2, there is no credential yet
                - current failure none
                - outputs none
                - revocations token-2, 1 done, 0 failures
            1001.6 withdrawn
            1001.7 kept
                log kept
                revoke token-2 of p
            1001.8 unrevoked token-2
                log revocation failed: not yours
                answer 5: not yours
                keep nothing of p, revocations ["token-2"]
                - deadline 1002.1
                - next attempt 1002.1, there is no credential yet
                - revocations token-2, 1 done, 1 failures
            1002.4 time
                exchange 3 for p at 1002.4
                - is attempting
                - deadline 1301.8
                - next attempt 1002.1, it is under way
            1002.5 gives token-3
                log refreshed token-3
                - phase valid
                - credential token-3
                - is delivering
                - next attempt 2712.5, at 48 % of the credential's lifetime
                - attempts 3 ended, 3 well; 3 took 0.35 s
            1002.6 kept
                log kept
                keep token-3 of p, revocations ["token-2"]
            1002.7 delivered ok
            1302 time
                revoke token-2 of p
                - deadline 2712.5
            1303 revoked token-2
                log revoked one of p
                - revocations none, 2 done, 1 failures
            """
        ),
        LifeHistory.Row(
            "while outputs are lost, and after the end has begun",
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
            1000.4 delivered ok
                log delivered to /out/0
                - is ready settled
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1000.5 file rest
                open p X
                - deadline none
            1000.6 lost
                answer 1: no place
                - is nothing
                - deadline 1001.6
                - outputs none
            1000.7 revoke
                keep nothing of p, revocations ["token-1"]
                withdraw
                - phase pending
                - credential none
                - deadline 2710.25
                - next attempt 2710.25, there is no credential yet
                - revocations token-1, 0 done, 0 failures
            1000.8 withdrawn
                - deadline 1001.6
            1000.9 kept
                log kept
                revoke token-1 of p
            1001 revoked token-1
                log revoked one of p
                answer 2: revoked
                keep nothing of p, revocations []
                exchange 2 for p at 1001
                - is attempting
                - next attempt 1001, it is under way
                - revocations none, 1 done, 0 failures
            1001.3 time
            1001.6 time
                open p BRIGHT_TOKEN
                - deadline none
            1001.7 opened
                - deliveries 1 took 0.25 s
            1002 gives token-2
                log refreshed token-2
                - phase valid
                - credential token-2
                - is delivering
                - deadline 2712
                - next attempt 2712, at 48 % of the credential's lifetime
                - attempts 2 ended, 2 well; 2 took 1.25 s
            1002.1 kept
                log kept
                keep token-2 of p, revocations []
            1002.2 delivered ok
            1003 stop
                - is delivering stopping
                - deadline none
            1003.1 revoke
                answer 3: nothing to revoke
            1003.2 file rest2
                answer 4: ok
            1003.3 stopped
                close false
                keep token-2 of p, revocations []
            1003.4 closed
            """
        ),
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }
}
