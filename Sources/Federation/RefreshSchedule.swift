import Kernel

/// When to obtain the next credential, and when to try again after a failure. Pure: chance is handed
/// in as a number in 0..<1, so that the same question has one answer.
package enum RefreshSchedule {
    /// No two attempts for an account start within this many seconds.
    package static let minimalInterval = 1.0

    /// How long a credential is still valid, in seconds.
    package struct Validity: Sendable {
        let lifetime: Double
        let rest: Double

        /// - Parameters:
        ///   - lifetime: the whole of it.
        ///   - rest: what is left of it; over 0.
        package init(lifetime: Double, rest: Double) {
            self.lifetime = lifetime
            self.rest = rest
        }

        /// The longest pause between attempts: a twelfth of the lifetime, within 60 s to 300 s, but
        /// never more than a quarter of what is left, so that a service that comes back shortly before
        /// the expiry is found in time.
        var longestPause: Double {
            min((lifetime / 12).clamped(to: 60...300), max(minimalInterval, rest / 4))
        }
    }

    /// The shares of a credential's lifetime between which its refresh is due.
    ///
    /// Its end decides what an outage costs: where the service is away for half a lifetime, 8 of 100
    /// credentials run out, and 27 with a window of 50 % to 75 %. Its width calms a fleet after an outage or
    /// a restart of all: two lifetimes later a minute has at most 1.3 times the mean of requests.
    /// `Tests/Benchmarks/run.sh fleet` has the figures of these and other windows.
    package static let window = 0.35...0.60

    /// Seconds after its issue at which a credential is to be refreshed: a uniformly random point of
    /// the ``window`` of its lifetime, so that agents started together drift apart.
    package static func refreshDelay(lifetime: Double, chance: Double) -> Double {
        let share = window.lowerBound + (window.upperBound - window.lowerBound) * chance
        return max(minimalInterval, lifetime * share)
    }

    /// Seconds to wait after a failure before the next attempt.
    ///
    /// Transient failures and missing sources back off exponentially with full jitter (base 1 s,
    /// factor 2, up to a minute or ``Validity``'s longest pause); refusals and bad accounts are tried
    /// each five minutes. What the peer asked for is a floor.
    ///
    /// - Parameters:
    ///   - attempt: how many attempts have failed in a row, this one included; from 1.
    ///   - validity: that of the present credential, if it is still valid.
    package static func retryDelay(
        after failure: Failure,
        attempt: Int,
        validity: Validity?,
        chance: Double
    ) -> Double {
        let pause: Double
        switch failure.class {
        case .transient, .throttled, .noSource:
            pause = chance * min(validity?.longestPause ?? 60, exp2(min(attempt, 30)))
        case .refused, .misconfigured:
            pause = 300
        }
        return max(minimalInterval, pause, min(failure.retryAfter ?? 0, 3600))
    }

    private static func exp2(_ exponent: Int) -> Double {
        Double(UInt64(1) << UInt64(max(0, exponent)))
    }
}
