import Federation
import TestSupport
import Testing

@Suite struct `The refresh schedule` {
    static let lifetimes: [(lifetime: Double, chance: Double, delay: Double)] = [
        (3600, 0, 1260), (3600, 0.5, 1710), (3600, 0.999, 2159.1),
        (10, 0, 3.5), (10, 0.999, 5.9975), (1, 0.5, 1), (0.001, 0.999, 1), (43_200, 0, 15_120),
    ]

    @Test(arguments: lifetimes)
    func `a refresh is due between 35 and 60 percent`(
        lifetime: Double,
        chance: Double,
        delay: Double
    ) {
        let found = RefreshSchedule.refreshDelay(lifetime: lifetime, chance: chance)
        #expect(abs(found - delay) < 1e-9)
    }

    struct Retry: Sendable {
        var `class` = Failure.Class.transient
        var attempt = 1
        /// Of the credential that is still valid.
        var lifetime: Double?
        var rest = 1e6
        var chance = 0.999
        var retryAfter: Double?
        var delay: Double
    }

    static let retries: [Retry] = [
        Retry(chance: 0, delay: 1),
        Retry(attempt: 1, delay: 1.998),
        Retry(attempt: 3, chance: 0.5, delay: 4),
        Retry(attempt: 6, delay: 59.94),
        Retry(attempt: 7, delay: 59.94),
        Retry(attempt: 1000, delay: 59.94),
        Retry(class: .noSource, attempt: 1000, delay: 59.94),
        Retry(attempt: 1000, lifetime: 60, delay: 59.94),
        Retry(attempt: 1000, lifetime: 1200, delay: 99.9),
        Retry(attempt: 1000, lifetime: 3600, delay: 299.7),
        Retry(attempt: 1000, lifetime: 86_400, delay: 299.7),
        Retry(attempt: 1000, lifetime: 3600, rest: 900, delay: 224.775),
        Retry(attempt: 1000, lifetime: 3600, rest: 40, delay: 9.99),
        Retry(attempt: 1000, lifetime: 3600, rest: 0.1, delay: 1),
        Retry(attempt: 1, lifetime: 3600, rest: 900, delay: 1.998),
        Retry(class: .refused, lifetime: 3600, rest: 10, delay: 300),
        Retry(class: .throttled, lifetime: 3600, rest: 10, retryAfter: 70, delay: 70),
        Retry(class: .refused, chance: 0, delay: 300),
        Retry(class: .misconfigured, chance: 0.5, delay: 300),
        Retry(class: .refused, retryAfter: 400, delay: 400),
        Retry(class: .throttled, chance: 0, retryAfter: 70, delay: 70),
        Retry(class: .throttled, attempt: 6, retryAfter: 2, delay: 59.94),
        Retry(class: .throttled, chance: 0, retryAfter: 1e9, delay: 3600),
        Retry(class: .throttled, chance: 0, retryAfter: -5, delay: 1),
        Retry(class: .throttled, chance: 0, retryAfter: .nan, delay: 1),
    ]

    @Test(arguments: retries)
    func `a retry follows the rules of its class`(row: Retry) {
        let failure = Failure(row.class, at: .exchange, "no", retryAfter: row.retryAfter)
        let delay = RefreshSchedule.retryDelay(
            after: failure,
            attempt: row.attempt,
            validity: row.lifetime.map { .init(lifetime: $0, rest: row.rest) },
            chance: row.chance
        )
        #expect(abs(delay - row.delay) < 1e-9, "\(delay)")
    }

    @Test func `nothing is ever tried within a second or later than an hour`() {
        var chance = Generator(seed: 14)
        for _ in 0..<20_000 {
            let failure = Failure(
                Failure.Class.allCases.randomElement(using: &chance) ?? .transient,
                at: .exchange,
                "no",
                retryAfter: Bool.random(using: &chance)
                    ? Double.random(in: -10...1e6, using: &chance) : nil
            )
            let lifetime =
                Bool.random(using: &chance) ? Double.random(in: 0...1e6, using: &chance) : nil
            let share = Double.random(in: 0...1, using: &chance)
            let delay = RefreshSchedule.retryDelay(
                after: failure,
                attempt: Int.random(in: -1...100, using: &chance),
                validity: lifetime.map { .init(lifetime: $0, rest: $0 * share) },
                chance: Double.random(in: 0..<1, using: &chance)
            )
            #expect((1...3600).contains(delay))
            if let floor = failure.retryAfter { #expect(delay >= floor) }
        }
    }
}
