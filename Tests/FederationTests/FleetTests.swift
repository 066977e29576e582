import FoundationEssentials
import Testing

/// What one agent does is harmless; what ten thousands do at once is not.
@Suite struct `A fleet` {
    /// A service with room for over three times the mean of requests, as `Fleet.Scenario` has it.
    static let outage = Fleet.Scenario(agents: 2000, capacity: 4, outage: 7200..<9000)
    static let restart = Fleet.Scenario(agents: 2000, capacity: 4, restart: 7200)

    @Test(arguments: [outage, restart])
    func `comes back at the service's own rate, and is calm two lifetimes later`(
        scenario: Fleet.Scenario
    ) {
        let outcome = Fleet.run(scenario, .ours)
        let up = scenario.outage?.upperBound ?? 7200
        let mean = outcome.rate(600..<7200).mean
        let needed = Double(scenario.agents) / Double(scenario.capacity)
        #expect(outcome.lastUnready - up < 1.5 * needed)
        #expect(outcome.rate((up + 7200)..<scenario.end).peak < 2 * mean)
        // Each that is turned away comes back after Retry-After, and not before.
        let most = Double(scenario.agents) / scenario.retryAfter
        #expect(outcome.rate((up + 60)..<(up + 3600)).peak < 1.2 * most)
    }

    @Test func `loses no credential that a schedule could have saved`() {
        let outcome = Fleet.run(Self.outage, .ours)
        #expect(outcome.savable(Self.outage) == 0)
        // Half a lifetime without the service, and its queue afterwards.
        #expect(outcome.losses.count < Self.outage.agents / 10)
        let longer = Fleet.run(Self.outage, .later).losses.count
        #expect(longer > 2 * outcome.losses.count)
    }

    @Test func `loses nothing while the service is away for a quarter of the lifetime`() {
        var scenario = Self.outage
        scenario.outage = 7200..<8100
        #expect(Fleet.run(scenario, .ours).losses.isEmpty)
    }

    @Test(arguments: [outage, restart])
    func `is calmer than its peers, measured by the mean`(scenario: Fleet.Scenario) {
        let up = scenario.outage?.upperBound ?? 7200
        let later = FleetPolicy.allCases.map { policy in
            let outcome = Fleet.run(scenario, policy)
            let peak = outcome.rate((up + 7200)..<scenario.end).peak
            return (policy: policy, peak: peak / outcome.rate(600..<7200).mean)
        }
        #expect(later.min { $0.peak < $1.peak }?.policy == .ours, "\(later)")
    }

    /// `Tests/Benchmarks/run.sh fleet`: the whole fleet, as rows of a table.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["WIF_AGENT_FLEET"] != nil))
    func `in figures`() {
        for (name, scenario) in [
            ("outage", Fleet.Scenario(outage: 7200..<9000)), ("restart", .init(restart: 7200)),
        ] {
            for policy in FleetPolicy.allCases {
                let outcome = Fleet.run(scenario, policy)
                let up = scenario.outage?.upperBound ?? 7200
                let before = outcome.rate(600..<7200)
                let figures: [Double] = [
                    before.mean, before.peak, outcome.rate(up..<(up + 3600)).peak,
                    Double(outcome.served.max() ?? 0), outcome.lastUnready - up,
                    Double(outcome.losses.count), Double(outcome.savable(scenario)),
                    outcome.rate((up + 7200)..<scenario.end).peak / before.mean,
                ]
                let words = figures.map { "\((100 * $0).rounded() / 100)" }
                print("fleet\t\(name)\t\(policy.rawValue)\t" + words.joined(separator: "\t"))
            }
        }
    }
}
