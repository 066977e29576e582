internal import Platform

/// When to obtain the next credential, and when to try again after a failure. Pure: chance is handed
/// in as a number in 0..<1, so that the same question has one answer.
package enum RefreshSchedule {
    /// No two attempts for an account start within this many seconds.
    package static let minimalInterval = 1.0

    /// Seconds after its issue at which a credential is to be refreshed: uniformly between 60 % and
    /// 75 % of its lifetime, so that agents started together drift apart.
    package static func refreshDelay(lifetime: Double, chance: Double) -> Double {
        max(minimalInterval, lifetime * (0.60 + 0.15 * chance))
    }

    /// Seconds to wait after a failure before the next attempt.
    ///
    /// Transient failures and missing sources back off exponentially with full jitter (base 1 s,
    /// factor 2); refusals and bad accounts are tried each five minutes. What the peer asked for is
    /// a floor.
    ///
    /// - Parameters:
    ///   - attempt: how many attempts have failed in a row, this one included; from 1.
    ///   - lifetime: the whole lifetime in seconds of the credential that is still valid, if one is.
    package static func retryDelay(
        after failure: Failure,
        attempt: Int,
        validLifetime lifetime: Double?,
        chance: Double
    ) -> Double {
        let pause: Double
        switch failure.class {
        case .transient, .throttled, .noSource:
            let cap = lifetime.map { ($0 / 12).clamped(to: 60...300) } ?? 60
            pause = chance * min(cap, exp2(min(attempt, 30)))
        case .refused, .misconfigured:
            pause = 300
        }
        return max(minimalInterval, pause, min(failure.retryAfter ?? 0, 3600))
    }

    private static func exp2(_ exponent: Int) -> Double {
        Double(UInt64(1) << UInt64(max(0, exponent)))
    }
}
