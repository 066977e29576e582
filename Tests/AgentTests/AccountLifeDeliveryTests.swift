import Testing

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: its outputs` {
    static let histories = [
        LifeHistory.Row(
            "an output that cannot be written",
            of: "base",
            """
            1000 start
                exchange 1 for p at 1000
                - is attempting
                - next attempt 1000, it is under way
            1000.25 gives token-1 for 10
                log refreshed token-1
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - is delivering
                - deadline 1005
                - next attempt 1005, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.25 s
            1000.3 kept
                log kept
                deliver token-1
            1000.5 delivered ok misconfigured
                log delivered to /out/0
                log /out/1 failed: full
                - is settled
                - deadline 1001.5
                - current failure full
                - outputs ok full
                - deliveries /out/0 1 ok 0 failed, /out/1 0 ok 1 failed, 1 took 0.25 s
            1001.5 time
                deliver token-1
                - deadline 1005
            1001.6 touched
            1001.75 delivered ok transient
                log delivered to /out/0
                log /out/1 failed: full
                - is nothing
                - deadline 1002
                - deliveries /out/0 2 ok 0 failed, /out/1 0 ok 2 failed, 2 took 0.5 s
            1002 time
                deliver token-1
                - deadline 1005
            1002.1 delivered ok transient
                log delivered to /out/0
                log /out/1 failed: full
                - deliveries /out/0 3 ok 0 failed, /out/1 0 ok 3 failed, 3 took 0.75 s
            1002.2 touched
                - deadline 1002.5
            1002.5 time
                deliver token-1
                - deadline 1005
            1002.6 delivered ok ok
                log delivered to /out/0
                log delivered to /out/1
                - is ready settled
                - current failure none
                - outputs ok ok
                - deliveries /out/0 4 ok 0 failed, /out/1 1 ok 3 failed, 4 took 1 s
            1005 time
                exchange 2 for p at 1005
                - is ready settled attempting
                - deadline 1010.25
                - next attempt 1005, it is under way
            1006 fails transient
                log refresh failed: down; again in 1 s
                - is ready settled
                - deadline 1007
                - next attempt 1007, an attempt failed, transient at exchange
                - failure down
                - current failure down
                - attempts 2 ended, 1 well, 1 transient at exchange; 2 took 1.25 s
            1010.25 time
                exchange 3 for p at 1010.25
                log expired
                expire
                - phase expired
                - is attempting
                - deadline none
                - next attempt 1007, it is under way
            1010.5 withdrawn transient ok
                log /out/0 failed: full
            1011 touched
            1012 token
            1012.5 gives token-2
                log refreshed token-2
                keep token-2 of p, revocations []
                - phase valid
                - credential token-2
                - is delivering
                - deadline 2722.5
                - next attempt 2722.5, at 48 % of the credential's lifetime
                - failure none
                - current failure none
                - attempts 3 ended, 2 well, 1 transient at exchange; 3 took 3.5 s
                - outputs none
            1012.6 kept
                log kept
                deliver token-2
            1012.7 touched
            1012.8 delivered ok ok
                log delivered to /out/0
                log delivered to /out/1
                - is nothing
                - deadline 1013.1
                - outputs ok ok
                - deliveries /out/0 5 ok 0 failed, /out/1 2 ok 3 failed, 5 took 1.25 s
            1013.1 time
                deliver token-2
                - deadline 2722.5
            1013.2 delivered ok ok
                log delivered to /out/0
                log delivered to /out/1
                - is ready settled
                - deliveries /out/0 6 ok 0 failed, /out/1 3 ok 3 failed, 6 took 1.5 s
            """
        ),
        LifeHistory.Row(
            "touched in the middle, and while nothing is there",
            of: "base",
            """
            1000 touched
            1000.1 start
                exchange 1 for p at 1000.1
                - is attempting
                - next attempt 1000, it is under way
            1000.2 touched
            1000.25 gives token-1
                log refreshed token-1
                keep token-1 of p, revocations []
                - phase valid
                - credential token-1
                - is delivering
                - deadline 2710.25
                - next attempt 2710.25, at 48 % of the credential's lifetime
                - attempts 1 ended, 1 well; 1 took 0.15 s
            1000.26 touched
            1000.3 kept
                log kept
                deliver token-1
            1000.5 delivered transient
                log /out/0 failed: full
                - is nothing
                - deadline 1001.5
                - current failure full
                - outputs full
                - deliveries /out/0 0 ok 1 failed, 1 took 0.25 s
            1000.6 touched
                - deadline 1000.8
            1000.8 time
                deliver token-1
                - deadline 2710.25
            1000.9 delivered transient
                log /out/0 failed: full
                - deadline 1002.9
                - deliveries /out/0 0 ok 2 failed, 2 took 0.5 s
            1001 touched
                - deadline 1001.3
            1001.3 time
                deliver token-1
                - deadline 2710.25
            1001.4 delivered transient
                log /out/0 failed: full
                - deadline 1005.4
                - deliveries /out/0 0 ok 3 failed, 3 took 0.75 s
            1001.5 touched
                - deadline 1001.8
            1001.8 time
                deliver token-1
                - deadline 2710.25
            1001.9 delivered ok
                log delivered to /out/0
                - is ready settled
                - current failure none
                - outputs ok
                - deliveries /out/0 1 ok 3 failed, 4 took 1 s
            1100 touched
                deliver token-1
                - is nothing
            1100.1 delivered ok
                log delivered to /out/0
                - is ready settled
                - deliveries /out/0 2 ok 3 failed, 5 took 1.25 s
            1100.2 touched
                - is nothing
                - deadline 1100.5
            1100.3 touched
            1100.5 time
                deliver token-1
                - deadline 2710.25
            1100.6 delivered ok
                log delivered to /out/0
                - is ready settled
                - deliveries /out/0 3 ok 3 failed, 6 took 1.5 s
            """
        ),
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }
}
