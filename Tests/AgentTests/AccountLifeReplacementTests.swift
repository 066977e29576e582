import Testing

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: a version takes the place of another` {
    static let histories = [
        LifeHistory.Row(
            "the token file changes, and the version beside is tried at once",
            of: "base",
            LifeHistory.delivered + """
                1010 file other
                    log another version is tried
                    answer 1: ok
                    exchange 2 for other at 1010
                    - candidate other BRIGHT_TOKEN
                    - is attempting
                1010.5 fails refused
                    log the other version failed: down; again in 300 s
                    - is settled
                    - deadline 1310.5
                    - current failure down
                    - attempts 2 ended, 1 well, 1 refused at exchange; 2 took 0.75 s
                1012 token
                    exchange 3 for other at 1012
                    - is settled attempting
                    - deadline 2710.25
                """
        ),
        LifeHistory.Row(
            "an edit of the rest ends the trial of another identity",
            of: "base",
            LifeHistory.delivered + """
                1010 file other
                    log another version is tried
                    answer 1: ok
                    exchange 2 for other at 1010
                    - candidate other BRIGHT_TOKEN
                    - is attempting
                1010.1 file rest
                    open p X
                    - candidate none
                    - is ready settled
                    - deadline none
                1010.2 opened
                    log changed to p X
                    answer 2: ok
                    deliver token-1
                    - account p X
                    - is nothing
                    - deadline 2710.25
                    - outputs none
                    - deliveries 1 took 0.25 s
                1010.3 gives token-2
                    keep token-1 of p, revocations ["token-2"]
                    revoke token-2 of other
                    - revocations token-2, 0 done, 0 failures
                """
        ),
        LifeHistory.Row(
            "an attempt that was given up is given the credential that is to come into force",
            of: "base",
            LifeHistory.delivered + """
                1010 file other
                    log another version is tried
                    answer 1: ok
                    exchange 2 for other at 1010
                    - candidate other BRIGHT_TOKEN
                    - is attempting
                1010.2 file base
                    answer 2: ok
                    - candidate none
                    - is ready settled
                1011 file other
                    log another version is tried
                    answer 3: ok
                    exchange 3 for other at 1011
                    - candidate other BRIGHT_TOKEN
                    - is attempting
                1011.2 gives token-2
                    open other BRIGHT_TOKEN
                    - is nothing
                    - deadline none
                    - attempts 1 ended, 1 well; 2 took 0.45 s
                1011.3 gives token-2 to 2
                1011.4 opened
                    log refreshed token-2
                    log changed to other BRIGHT_TOKEN
                    keep token-2 of other, revocations ["token-1"]
                    - account other BRIGHT_TOKEN
                    - candidate none
                    - credential token-2
                    - is delivering
                    - deadline 2721.2
                    - next attempt 2721.2, at 48 % of the credential's lifetime
                    - attempts 2 ended, 2 well; 2 took 0.45 s
                    - outputs none
                    - deliveries 1 took 0.25 s
                    - revocations token-1, 0 done, 0 failures
                """
        ),
        LifeHistory.Row(
            "outputs are lost, and those of before come back",
            of: "base",
            LifeHistory.delivered + """
                1010 file rest
                    open p X
                    - deadline none
                1010.1 lost
                    answer 1: no place
                    - is nothing
                    - deadline 1011.1
                    - outputs none
                1011.1 time
                    open p BRIGHT_TOKEN
                    - deadline none
                1011.2 reverted
                    deliver token-1
                    - deadline 2710.25
                1011.3 delivered ok
                    log delivered to /out/0
                    - is ready settled
                    - outputs ok
                    - deliveries /out/0 2 ok 0 failed, 2 took 0.5 s
                """
        ),
        LifeHistory.Row(
            "a version that waits breaks while outputs are opened",
            of: "base",
            LifeHistory.delivered + """
                1010 file rest
                    open p X
                    - deadline none
                1010.1 file rest2
                1010.2 broken
                    answer 2: ok
                1010.3 opened
                    log changed to p X
                    answer 1: ok
                    deliver token-1
                    - account p X
                    - is nothing
                    - deadline 2710.25
                    - outputs none
                    - deliveries 1 took 0.25 s
                """
        ),
        LifeHistory.Row(
            "what was known of a credential that has run out goes with its identity",
            of: "base",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.25 gives token-1 for 60 proof skew 3
                log refreshed token-1 from file
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - proof file
                - skew 3
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
            1028.75 time
                exchange 2 for p at 1028.75
                - is ready settled attempting
                - deadline 1060.25
                - next attempt 1028.75, it is under way
            1029 fails refused
                log refresh failed: down; again in 300 s
                - is ready settled
                - next attempt 1329, an attempt failed, refused at exchange
                - failure down
                - current failure down
                - attempts 2 ended, 1 well, 1 refused at exchange; 2 took 0.5 s
            1061 file other
                open other BRIGHT_TOKEN
                - phase expired
                - is settled
                - deadline none
            1061.1 opened
                log changed to other BRIGHT_TOKEN
                answer 1: ok
                keep nothing of other, revocations []
                exchange 3 for other at 1061.1
                - phase pending
                - account other BRIGHT_TOKEN
                - credential none
                - proof none
                - skew none
                - is attempting
                - next attempt 1061.1, it is under way
                - failure none
                - current failure none
                - outputs none
                - deliveries 1 took 0.25 s
            """
        ),
        LifeHistory.Row(
            "what waited to be revoked is given again, and its version cannot come into force",
            of: "base",
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
                1010.6 opened
                    log refreshed token-2
                    log changed to other BRIGHT_TOKEN
                    keep token-2 of other, revocations ["token-1"]
                    - account other BRIGHT_TOKEN
                    - candidate none
                    - credential token-2
                    - is delivering
                    - deadline 2720.5
                    - next attempt 2720.5, at 48 % of the credential's lifetime
                    - attempts 2 ended, 2 well; 2 took 0.75 s
                    - outputs none
                    - deliveries 1 took 0.25 s
                    - revocations token-1, 0 done, 0 failures
                1010.7 kept
                    log kept
                    deliver token-2
                1010.9 delivered ok
                    log delivered to /out/0
                    - is ready settled
                    - deadline 1040.9
                    - outputs ok
                    - deliveries /out/0 1 ok 0 failed, 2 took 0.5 s
                1020 file base
                    log another version is tried
                    answer 2: ok
                    exchange 3 for p at 1020
                    - candidate p BRIGHT_TOKEN
                    - is attempting
                1020.5 gives token-1
                    open p BRIGHT_TOKEN
                    - is nothing
                    - deadline none
                    - attempts 2 ended, 2 well; 3 took 1.25 s
                    - revocations none, 0 done, 0 failures
                1041 time
                1041.5 reverted
                    log the other version failed: no place; again in 300 s
                    keep token-2 of other, revocations ["token-1"]
                    deliver token-2
                    - is settled
                    - deadline 1341.5
                    - current failure no place
                    - attempts 3 ended, 2 well, 1 misconfigured at output; 3 took 1.25 s
                    - revocations token-1, 0 done, 0 failures
                """
        ),
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }
}
