import FoundationEssentials
import Simulation
import Testing

/// A taste of what `Tests/Simulation/run.sh` does with many seeds.
@Suite(.timeLimit(.minutes(5)))
struct `The simulated life of an account` {
    /// `WIF_AGENT_SEEDS`: how many.
    @Test func `goes well for a hundred histories`() throws {
        var simulation = try Simulation()
        let wanted = ProcessInfo.processInfo.environment["WIF_AGENT_SEEDS"].flatMap(UInt64.init)
        for seed in 1...(wanted ?? 100) as ClosedRange<UInt64> {
            #expect(simulation.play(seed)?.description == nil)
        }
    }

    @Test func `goes well for fleets that share a service`() throws {
        let simulation = try Simulation()
        for seed in 1...4 as ClosedRange<UInt64> { #expect(simulation.playFleet(seed) == nil) }
    }
}
