import Testing

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: its refreshes` {
    static let histories = [
        LifeHistory.Row(
            "refreshes, failures and what was superseded",
            of: "base",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.25 gives token-1 proof skew 2 warning
                log warning look out
                log refreshed token-1 from file
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - proof file
                - skew 2
                - is delivering
                - deadline 2710.25
                - next attempt 2710.25, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.25 s
            1000.3 kept
                log kept
                deliver token-1
            1000.5 delivered ok warned
                log delivered to /out/0
                log warning look out at /out/1
                log delivered to /out/1
                - is ready settled
                - outputs ok ok
                - deliveries /out/0 1 ok 0 failed, /out/1 1 ok 0 failed, 1 took 0.25 s
            1000.6 token
            2710.25 time
                exchange 2 for p at 2710.25
                - is ready settled attempting
                - deadline 4600.25
                - next attempt 2710.25, it is under way
            2711.5 fails transient warning
                log warning look out
                log refresh failed: down; again in 1 s
                - is ready settled
                - deadline 2712.5
                - next attempt 2712.5, an attempt failed, transient at exchange
                - failure down
                - current failure down
                - attempts 2 ended, 1 well, 1 transient at exchange; 2 took 1.5 s
            2711.6 refresh
                exchange 3 for p at 2711.6
                - is ready settled attempting
                - deadline 4600.25
                - next attempt 2711.6, it is under way
            2712 token
            2712.5 time
            2712.6 fails refused
                log refresh failed: down; again in 1 s
                - is ready settled
                - deadline 2713.6
                - next attempt 2713.6, 2 attempts failed, refused at exchange
                - attempts 3 ended, 1 well, 1 refused at exchange, 1 transient at exchange; 3 \
            took 2.5 s
            2813 refresh 3
                - deadline 2816
                - next attempt 2816, 2 attempts failed, refused at exchange
            2816 time
                exchange 4 for p at 2816
                - is ready settled attempting
                - deadline 4600.25
                - next attempt 2816, it is under way
            2816.2 answers
                log refresh failed: the worker sent no credential; again in 4 s
                - is ready settled
                - deadline 2820.2
                - next attempt 2820.2, 3 attempts failed, transient at worker
                - failure the worker sent no credential
                - current failure the worker sent no credential
                - attempts 4 ended, 1 well, 1 refused at exchange, 1 transient at exchange, 1 \
            transient at worker; 4 took 2.7 s
            2820.2 time
                exchange 5 for p at 2820.2
                - is ready settled attempting
                - deadline 4600.25
                - next attempt 2820.2, it is under way
            2820.5 gives token-2 last skew 1
                log refreshed token-2 from file
                log token-2 will expire
                keep token-2 of p, revocations ["token-1"]
                - credential token-2
                - skew 1
                - is ready settled delivering
                - deadline 4530.5
                - next attempt 4530.5, at 48 % of the credential's lifetime
                - failure none
                - current failure none
                - attempts 5 ended, 2 well, 1 refused at exchange, 1 transient at exchange, 1 \
            transient at worker; 5 took 3 s
                - revocations token-1, 0 done, 0 failures
            2820.6 kept full
                log not kept: full
                deliver token-2
            2820.9 delivered ok
                log delivered to /out/0
                - is ready settled
                - deadline 2850.9
                - outputs ok
                - deliveries /out/0 2 ok 0 failed, /out/1 1 ok 0 failed, 2 took 0.5 s
            2850.9 time
                revoke token-1 of p
                - deadline 4530.5
            2851 unrevoked token-1
                log revocation failed: not yours
                keep token-2 of p, revocations ["token-1"]
                - deadline 3151
                - revocations token-1, 0 done, 1 failures
            3151 time
                revoke token-1 of p
                - deadline 4530.5
            3152 revoked token-1
                log revoked one of p
                - revocations none, 1 done, 1 failures
            3153 kept
                log kept
                keep token-2 of p, revocations []
            4531 time
                exchange 6 for p at 4531
                - is ready settled attempting
                - deadline 6420.5
                - next attempt 4530.5, it is under way
            4531.5 gives token-3
                log refreshed token-3
                - credential token-3
                - proof none
                - skew none
                - is ready settled delivering
                - deadline 6241.5
                - next attempt 6241.5, at 48 % of the credential's lifetime
                - attempts 6 ended, 3 well, 1 refused at exchange, 1 transient at exchange, 1 \
            transient at worker; 6 took 3.5 s
                - revocations token-2, 1 done, 1 failures
            """
        )
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }
}
