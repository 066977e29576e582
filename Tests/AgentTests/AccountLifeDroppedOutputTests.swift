import Testing

/// The texts are explained at ``LifeHistory``.
@Suite struct `The life of an account: outputs that an edit drops` {
    static let histories = [
        LifeHistory.Row(
            "the file goes, for its credential is to be revoked",
            of: "two",
            LifeHistory.delivered + """
                1010 file second
                    open p BRIGHT_TOKEN removing others
                    - deadline none
                1010.1 opened ok
                    log /out/0 removed
                    log changed to p BRIGHT_TOKEN
                    answer 1: ok
                    deliver token-1
                    - is nothing
                    - deadline 2710.25
                    - outputs none
                    - deliveries 1 took 0.25 s
                """
        ),
        LifeHistory.Row(
            "the file cannot be removed",
            of: "two",
            LifeHistory.delivered + """
                1010 file second
                    open p BRIGHT_TOKEN removing others
                    - deadline none
                1010.1 opened transient
                    log /out/0 failed: full
                    log changed to p BRIGHT_TOKEN
                    answer 1: ok
                    deliver token-1
                    - is nothing
                    - deadline 2710.25
                    - outputs none
                    - deliveries 1 took 0.25 s
                """
        ),
        LifeHistory.Row(
            "files stay where nothing is revoked",
            of: "two",
            revokes: false,
            LifeHistory.delivered + """
                1010 file base
                    open p BRIGHT_TOKEN
                    - deadline none
                1010.1 opened
                    log /out/0 left as it is
                    log /out/1 left as it is
                    log changed to p BRIGHT_TOKEN
                    answer 1: ok
                    deliver token-1
                    - is nothing
                    - deadline 2710.25
                    - outputs none
                    - deliveries 1 took 0.25 s
                """
        ),
        LifeHistory.Row(
            "another identity has other outputs",
            of: "two",
            LifeHistory.delivered + """
                1010 file other
                    log another version is tried
                    answer 1: ok
                    exchange 2 for other at 1010
                    - candidate other BRIGHT_TOKEN
                    - is attempting
                1010.5 gives token-2
                    open other BRIGHT_TOKEN removing others
                    - is nothing
                    - deadline none
                    - attempts 1 ended, 1 well; 2 took 0.75 s
                1010.6 opened ok ok
                    log /out/0 removed
                    log /out/1 removed
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
                """
        ),
        LifeHistory.Row(
            "of a socket nothing stays",
            of: "socket",
            LifeHistory.delivered + """
                1010 file base
                    open p BRIGHT_TOKEN
                    - deadline none
                1010.1 opened
                    log changed to p BRIGHT_TOKEN
                    answer 1: ok
                    deliver token-1
                    - is nothing
                    - deadline 2710.25
                    - outputs none
                    - deliveries 1 took 0.25 s
                """
        ),
    ]

    @Test(arguments: histories)
    func `goes as it is written`(_ history: LifeHistory.Row) throws {
        #expect(try LifeHistory.played(history) == history.text)
    }
}
