import Testing

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: another identity comes into force` {
    static let histories = [
        LifeHistory.Row(
            "another identity has its credential while outputs are busy",
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
            1001.6 file other
            1001.7 file other2
                answer 2: ok
                - candidate other X
            1001.8 delivered ok
                log delivered to /out/0
                open other X
                - is nothing
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1001.9 lost
                answer 3: no place
                log the other version failed: no place; again in 300 s
                keep token-1 of p, revocations ["token-2"]
                revoke token-2 of other
                - is settled
                - deadline 1002.9
                - current failure no place
                - attempts 2 ended, 1 well, 1 misconfigured at output; 2 took 0.75 s
                - outputs none
                - revocations token-2, 0 done, 0 failures
            1002.9 time
                open p BRIGHT_TOKEN
                - deadline none
            1003 lost
                - deadline 1005
            1004 file other
                log another version is tried
                answer 4: ok
                exchange 3 for other at 1004
                - candidate other BRIGHT_TOKEN
                - is settled attempting
            1004.2 refresh
                - next attempt 1005, at 0 % of the credential's lifetime
            1005 time
                exchange 4 for p at 1005
                open p BRIGHT_TOKEN
                - deadline none
                - next attempt 1005, it is under way
            1005.1 opened
                deliver token-1
                - deliveries 1 took 0.25 s
            1005.2 delivered ok
                log delivered to /out/0
                - deadline 4600.25
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 2 took 0.5 s
            1006 time
            1006.5 gives token-3
                log refreshed token-3
                - credential token-3
                - is settled attempting delivering
                - deadline 2716.5
                - next attempt 2716.5, at 48 % of the credential's lifetime
                - attempts 3 ended, 2 well, 1 misconfigured at output; 3 took 2.25 s
                - revocations token-2 token-1, 0 done, 0 failures
            1006.6 opened
            1006.7 kept
                log kept
                keep token-3 of p, revocations ["token-2", "token-1"]
            1006.8 delivered ok
            """
        ),
        LifeHistory.Row(
            "another identity has its credential, and the file goes back",
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
            1001.6 file base
                answer 2: ok
                keep token-1 of p, revocations ["token-2"]
                - candidate none
                - deadline 2710.25
                - revocations token-2, 0 done, 0 failures
            1001.7 delivered ok
                log delivered to /out/0
                - is ready settled
                - deadline 1031.7
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1003 file other
                log another version is tried
                answer 3: ok
                exchange 3 for other at 1003
                - candidate other BRIGHT_TOKEN
                - is attempting
            1003.5 gives token-3
                open other BRIGHT_TOKEN
                - is nothing
                - attempts 1 ended, 1 well; 3 took 1.25 s
            1003.6 file rest
            1003.7 opened
                log refreshed token-3
                log changed to other BRIGHT_TOKEN
                log another version is tried
                answer 4: ok
                - account other BRIGHT_TOKEN
                - candidate p X
                - credential token-3
                - is delivering
                - deadline 1004
                - next attempt 2713.5, at 48 % of the credential's lifetime
                - attempts 2 ended, 2 well; 3 took 1.25 s
                - outputs none
                - deliveries 1 took 0.25 s
                - revocations token-2 token-1, 0 done, 0 failures
            1003.8 opened
            """
        ),
        LifeHistory.Row(
            "the version in force has nothing to lose",
            of: "base",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.5 file other
                open other BRIGHT_TOKEN
            1000.6 file other2
            1000.7 opened
                log changed to other BRIGHT_TOKEN
                answer 1: ok
                keep nothing of other, revocations []
                open other X
                - account other BRIGHT_TOKEN
                - is nothing
                - next attempt 1001, there is no credential yet
            1001 gives token-1 to 1
                - revocations token-1, 0 done, 0 failures
            1001.1 time
            1001.5 opened
                log changed to other X
                answer 2: ok
                exchange 2 for other at 1001.5
                - account other X
                - is attempting
                - next attempt 1001, it is under way
            1002 gives token-2 to 2
                log refreshed token-2
                - phase valid
                - credential token-2
                - is delivering
                - deadline 2712
                - next attempt 2712, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.5 s
            1002.1 gives token-2 to 2
            1002.3 kept
                log kept
                keep token-2 of other, revocations ["token-1"]
            1002.4 delivered ok
            """
        ),
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }
}
