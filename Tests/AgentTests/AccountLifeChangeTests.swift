import Testing

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: changes of its file` {
    static let histories = [
        LifeHistory.Row(
            "another identity is tried beside the one in force",
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
                1011 refresh
                    exchange 3 for p at 1011
                    - is settled attempting
                    - deadline 1012
                    - next attempt 1011, it is under way
                1011.2 fails transient
                    log refresh failed: down; again in 1 s
                    - is settled
                    - next attempt 1012.2, an attempt failed, transient at exchange
                    - failure down
                    - attempts 3 ended, 1 well, 1 refused at exchange, 1 transient at exchange; 3 \
                took 0.95 s
                1011.9 time
                1012 time
                    exchange 4 for other at 1012
                    - is settled attempting
                    - deadline 1013
                    - next attempt 1013, an attempt failed, transient at exchange
                1012.3 fails transient to 4
                    log the other version failed: down; again in 2 s
                    - is nothing
                    - attempts 4 ended, 1 well, 1 refused at exchange, 2 transient at exchange; 4 \
                took 1.25 s
                1012.4 file other2
                    log another version is tried
                    answer 2: ok
                    - candidate other X
                1013 time
                    exchange 5 for p at 1013
                    - is attempting
                    - deadline 1014
                    - next attempt 1013, it is under way
                1013.2 fails refused
                    log refresh failed: down; again in 300 s
                    - is settled
                    - next attempt 1313.2, 2 attempts failed, refused at exchange
                    - attempts 5 ended, 1 well, 2 refused at exchange, 2 transient at exchange; 5 \
                took 1.45 s
                1013.3 token
                    - next attempt 1014, 2 attempts failed, refused at exchange
                1014 time
                    exchange 6 for p at 1014
                    - is settled attempting
                    - deadline 1015
                    - next attempt 1014, it is under way
                1014.2 token
                1014.3 fails no-source
                    log refresh failed: down; again in 1 s
                    - is nothing
                    - next attempt 1015.3, 3 attempts failed, no-source at exchange
                    - attempts 6 ended, 1 well, 1 no-source at exchange, 2 refused at exchange, 2 \
                transient at exchange; 6 took 1.75 s
                1015 refresh 2
                    - deadline 1017
                    - next attempt 1017, 3 attempts failed, no-source at exchange
                1016.2 time
                1017 time
                    exchange 7 for p at 1017
                    - is attempting
                    - deadline 1018
                    - next attempt 1017, it is under way
                1018 gives token-2 proof skew 3
                    log refreshed token-2 from file
                    keep token-2 of p, revocations ["token-1"]
                    exchange 8 for other at 1018
                    - credential token-2
                    - proof file
                    - skew 3
                    - is attempting delivering
                    - deadline 2728
                    - next attempt 2728, at 48 % of the credential's lifetime
                    - failure none
                    - attempts 7 ended, 2 well, 1 no-source at exchange, 2 refused at exchange, 2 \
                transient at exchange; 7 took 2.75 s
                    - revocations token-1, 0 done, 0 failures
                1018.1 touched
                1018.2 opened
                1018.3 fails refused to 7
                1018.4 kept
                    log kept
                    deliver token-2
                1018.5 delivered ok
                    log delivered to /out/0
                    - is attempting
                    - deadline 1048.5
                    - deliveries /out/0 2 ok 0 failed, 2 took 0.5 s
                1048.5 time
                    revoke token-1 of p
                    - deadline 2728
                1049 revoked token-1
                    log revoked one of p
                    keep token-2 of p, revocations []
                    - revocations none, 1 done, 0 failures
                """
        ),
        LifeHistory.Row(
            "the file goes back, or is of no use",
            of: "base",
            LifeHistory.delivered + """
                1010 file other
                    log another version is tried
                    answer 1: ok
                    exchange 2 for other at 1010
                    - candidate other BRIGHT_TOKEN
                    - is attempting
                1011 file third
                    log another version is tried
                    answer 2: ok
                    exchange 3 for third at 1011
                    - candidate third BRIGHT_TOKEN
                1011.5 gives token-2 to 2
                    keep token-1 of p, revocations ["token-2"]
                    revoke token-2 of other
                    - revocations token-2, 0 done, 0 failures
                1012 time
                1012.5 gives token-x to 3
                    open third BRIGHT_TOKEN
                    - is nothing
                    - deadline none
                    - attempts 1 ended, 1 well; 2 took 1.75 s
                1013 broken
                    - candidate none
                    - is ready settled
                1014 gives token-3 to 3
                1014.5 file base
                1015 file other
                    answer 3: ok
                1016 time
                1017 fails transient
                1018 file base
                    answer 4: ok
                1019 revoked token-2
                    log revoked one of other
                    - revocations none, 1 done, 0 failures
                1020 opened
                    log refreshed token-x
                    log changed to third BRIGHT_TOKEN
                    log another version is tried
                    answer 5: ok
                    exchange 4 for p at 1020
                    - account third BRIGHT_TOKEN
                    - candidate p BRIGHT_TOKEN
                    - credential token-x
                    - is attempting delivering
                    - deadline 2722.5
                    - next attempt 2722.5, at 48 % of the credential's lifetime
                    - attempts 2 ended, 2 well; 2 took 1.75 s
                    - outputs none
                    - deliveries 1 took 0.25 s
                    - revocations token-1, 1 done, 0 failures
                """
        ),
        LifeHistory.Row(
            "files that follow each other while outputs are opened",
            of: "base",
            LifeHistory.delivered + """
                1010 file rest
                    open p X
                    - deadline none
                1010.1 file rest2
                1010.2 refresh
                    - next attempt 1010.2, at 0 % of the credential's lifetime
                1010.3 file other
                    answer 2: ok
                1010.4 opened
                    log changed to p X
                    answer 1: ok
                    log another version is tried
                    answer 3: ok
                    exchange 2 for p at 1010.4
                    deliver token-1
                    - account p X
                    - candidate other BRIGHT_TOKEN
                    - is attempting
                    - deadline 1011.4
                    - next attempt 1010.2, it is under way
                    - outputs none
                    - deliveries 1 took 0.25 s
                1010.5 delivered ok
                    log delivered to /out/0
                    - outputs ok
                    - deliveries /out/0 1 ok 0 failed, 2 took 0.5 s
                1010.6 gives token-2
                    log refreshed token-2
                    keep token-2 of p, revocations ["token-1"]
                    - credential token-2
                    - is delivering
                    - next attempt 2720.6, at 48 % of the credential's lifetime
                    - attempts 2 ended, 2 well; 2 took 0.45 s
                    - revocations token-1, 0 done, 0 failures
                1010.7 file third
                    log another version is tried
                    answer 4: ok
                    - candidate third BRIGHT_TOKEN
                1010.8 broken
                    - candidate none
                    - is ready settled delivering
                    - deadline 2720.6
                1010.9 opened
                1011 kept
                    log kept
                    deliver token-2
                1011.1 delivered ok
                    log delivered to /out/0
                    - is ready settled
                    - deadline 1041.1
                    - deliveries /out/0 2 ok 0 failed, 3 took 0.75 s
                """
        ),
        LifeHistory.Row(
            "files that follow each other while a credential is delivered",
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
            1000.5 file rest2
                answer 1: ok
            1000.55 broken
                answer 2: ok
                - deadline 2710.25
            1000.6 file rest
                - deadline none
            1000.7 delivered ok
                log delivered to /out/0
                open p X
                - is ready settled
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1000.8 reverted
                answer 3: no place
                deliver token-1
                - deadline 2710.25
            1000.9 delivered ok
                log delivered to /out/0
                - deliveries /out/0 2 ok 0 failed, 2 took 0.5 s
            1001 file short
                open p BRIGHT_TOKEN
                - deadline none
            1001.1 opened
                log changed to p BRIGHT_TOKEN
                answer 4: ok
                exchange 2 for p at 1001.1
                deliver token-1
                - is attempting
                - next attempt 1001.1, it is under way
                - outputs none
                - deliveries 2 took 0.5 s
            1001.2 delivered ok
                log delivered to /out/0
                - is ready settled attempting
                - deadline 4600.25
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 3 took 0.75 s
            1002 gives token-2 for 600
                log refreshed token-2
                keep token-2 of p, revocations ["token-1"]
                - credential token-2
                - is ready settled delivering
                - deadline 1287
                - next attempt 1287, at 48 % of the credential's lifetime
                - attempts 2 ended, 2 well; 2 took 1.15 s
                - revocations token-1, 0 done, 0 failures
            1002.1 kept
                log kept
                deliver token-2
            1002.2 delivered ok
                log delivered to /out/0
                - is ready settled
                - deadline 1032.2
                - deliveries /out/0 2 ok 0 failed, 4 took 1 s
            1003 file short
                answer 5: ok
            """
        ),
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }
}
