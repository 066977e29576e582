/// Durations in seconds, counted by bucket, as Prometheus' histograms want them.
package struct Histogram: Sendable, Equatable {
    /// The buckets' upper bounds, ascending; one without a bound follows.
    package let bounds: [Double]
    /// How many fell into each bucket alone, the one without a bound last.
    private var counts: [Int]
    package private(set) var sum = 0.0

    private init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// For a job of the worker: a fast one takes tens of milliseconds, the longest a minute.
    package static var jobs: Histogram {
        Histogram(bounds: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60])
    }

    /// For writing a credential to its outputs.
    package static var deliveries: Histogram {
        Histogram(bounds: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10])
    }

    /// Counts a duration of so many seconds.
    package mutating func observe(_ seconds: Double) {
        counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
        sum += seconds
    }

    /// How many durations there were.
    package var count: Int { counts.reduce(0, +) }

    /// How many fell into each bucket or one below it, the one without a bound last.
    package var cumulative: [Int] {
        counts.reduce(into: []) { result, count in result.append((result.last ?? 0) + count) }
    }
}
