import Testing

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: its start, and the clock` {
    static let histories = [
        LifeHistory.Row(
            "what an earlier run left",
            of: "hooks",
            """
            1600 start token-0 over token-x token-y
                log adopted token-0
                deliver token-0
                - phase valid
                - credential token-0
                - is delivering
                - deadline 2710
                - next attempt 2710, at 48 % of the credential's lifetime
                - revocations token-x token-y, 0 done, 0 failures
            1600.5 delivered ok
                log delivered to /out/0
                - is ready settled
                - deadline 1630.5
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1630.5 time
                revoke token-x of p
                revoke token-y of p
                - deadline 2710
            1631 revoked token-y
                log revoked one of p
                keep token-0 of p, revocations ["token-x"]
                - revocations token-x, 1 done, 0 failures
            1631.5 unrevoked token-x
                log revocation failed: not yours
                - deadline 1931.5
                - revocations token-x, 1 done, 1 failures
            1632 kept
                log kept
                keep token-0 of p, revocations ["token-x"]
            """
        ),
        LifeHistory.Row(
            "nothing but what is to be revoked was left",
            of: "base",
            """
            1600 start over token-x
                exchange 1 for p at 1600
                - is attempting
                - next attempt 1000, it is under way
                - revocations token-x, 0 done, 0 failures
            1600.5 gives token-1
                log refreshed token-1
                keep token-1 of p, revocations ["token-x"]
                - phase valid
                - credential token-1
                - is delivering
                - deadline 3310.5
                - next attempt 3310.5, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.5 s
            1600.6 kept
                log kept
                deliver token-1
            1600.7 delivered ok
                log delivered to /out/0
                - is ready settled
                - deadline 1630.7
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1630.7 time
                revoke token-x of p
                - deadline 3310.5
            """
        ),
        LifeHistory.Row(
            "a borrower revokes nothing",
            of: "base",
            revokes: false,
            """
            1600 start token-0 over token-x
                log adopted token-0
                deliver token-0
                - phase valid
                - credential token-0
                - is delivering
                - deadline 2710
                - next attempt 2710, at 48 % of the credential's lifetime
            1600.5 delivered ok
                log delivered to /out/0
                - is ready settled
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1601 refresh
                exchange 1 for p at 1601
                - is ready settled attempting
                - deadline 4600
                - next attempt 1601, it is under way
            1601.5 gives token-1
                log refreshed token-1
                keep token-1 of p, revocations []
                - credential token-1
                - is ready settled delivering
                - deadline 3311.5
                - next attempt 3311.5, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.5 s
            1601.6 kept
                log kept
                deliver token-1
            1602 delivered ok
                log delivered to /out/0
                - is ready settled
                - deliveries /out/0 2 ok 0 failed, 2 took 0.5 s
            1603 file other
                log another version is tried
                answer 1: ok
                exchange 2 for other at 1603
                - candidate other BRIGHT_TOKEN
                - is attempting
            1604 gives token-2
                open other BRIGHT_TOKEN
                - is nothing
                - deadline none
                - attempts 1 ended, 1 well; 2 took 1.5 s
            1605 opened
                log refreshed token-2
                log changed to other BRIGHT_TOKEN
                keep token-2 of other, revocations []
                - account other BRIGHT_TOKEN
                - candidate none
                - credential token-2
                - is delivering
                - deadline 3314
                - next attempt 3314, at 48 % of the credential's lifetime
                - attempts 2 ended, 2 well; 2 took 1.5 s
                - outputs none
                - deliveries 2 took 0.5 s
            """
        ),
        LifeHistory.Row(
            "of a service that cannot revoke",
            of: "mondoo",
            """
            1000 start
                exchange 1 for  at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.5 gives token-1
                log refreshed token-1
                keep token-1 of , revocations []
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
            1001 revoke
                answer 1: mondoo cannot revoke credentials
            1002 file base
                log another version is tried
                answer 2: ok
                exchange 2 for p at 1002
                - candidate p BRIGHT_TOKEN
                - is attempting
            1002.1 gives token-2
                open p BRIGHT_TOKEN
                - is nothing
                - deadline none
                - attempts 1 ended, 1 well; 2 took 0.6 s
            1002.2 opened
                log refreshed token-2
                log changed to p BRIGHT_TOKEN
                keep token-2 of p, revocations []
                - account p BRIGHT_TOKEN
                - candidate none
                - credential token-2
                - is delivering
                - deadline 2712.1
                - next attempt 2712.1, at 48 % of the credential's lifetime
                - attempts 2 ended, 2 well; 2 took 0.6 s
                - outputs none
                - deliveries 1 took 0.25 s
            1002.3 kept
                log kept
                deliver token-2
            """
        ),
        LifeHistory.Row(
            "the clock is set, or the machine has slept",
            of: "base",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.5 clock
            1001 gives token-1
                log refreshed token-1
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - is delivering
                - deadline 2711
                - next attempt 2711, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 1 s
            1001.1 kept
                log kept
                deliver token-1
            1001.2 delivered ok
                log delivered to /out/0
                - is ready settled
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1002 clock
            2900 clock
                - deadline 2915
                - next attempt 2915, at 53 % of the credential's lifetime
            2915 time
                exchange 2 for p at 2915
                - is ready settled attempting
                - deadline 4601
                - next attempt 2915, it is under way
            2916 clock
            2917 fails no-source
                log refresh failed: down; again in 1 s
                - is ready settled
                - deadline 2918
                - next attempt 2918, an attempt failed, no-source at exchange
                - failure down
                - current failure down
                - attempts 2 ended, 1 well, 1 no-source at exchange; 2 took 3 s
            2917.5 token
                exchange 3 for p at 2917.5
                - is ready settled attempting
                - deadline 4601
                - next attempt 2917.5, it is under way
            2918 time
            2919 token
            2920 fails no-source
                log refresh failed: down; again in 1 s
                - is ready settled
                - deadline 2921
                - next attempt 2921, 2 attempts failed, no-source at exchange
                - attempts 3 ended, 1 well, 2 no-source at exchange; 3 took 5.5 s
            2921 time
                exchange 4 for p at 2921
                - is ready settled attempting
                - deadline 4601
                - next attempt 2921, it is under way
            2922 gives token-2 for 0.5
                log refreshed token-2
                keep token-2 of p, revocations ["token-1"]
                - credential token-2
                - is ready settled delivering
                - deadline 2922.5
                - next attempt 2923, at 200 % of the credential's lifetime
                - failure none
                - current failure none
                - attempts 4 ended, 2 well, 2 no-source at exchange; 4 took 6.5 s
                - revocations token-1, 0 done, 0 failures
            2922.1 kept
                log kept
                deliver token-2
                - deadline 2923
            2922.5 clock
                - phase expired
                - is delivering
            """
        ),
        LifeHistory.Row(
            "what is not attended to",
            of: "hooks",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1060 time
            1090 time
            1090.1 time
                - is attempting stuck
            1091 gives token-1
                log refreshed token-1
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - is delivering
                - deadline 2801
                - next attempt 2801, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 91 s
            1181.2 time
            1182 kept
                log kept
                deliver token-1
            1272.1 time
                - is delivering stuck
            1273 delivered ok
                log delivered to /out/0
                run 1 hooks
                - is ready settled
                - outputs ok
                - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s
            1363.1 time
                - is ready settled stuck
            1364 hooks bad worse
                log hook failed: bad
                log hook failed: worse
                - is ready settled
                - hooks 1 runs, 2 failures, bad
            """
        ),
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }
}
