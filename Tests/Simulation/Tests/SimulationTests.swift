import Simulation
import Testing

/// A taste of what `Tests/Simulation/run.sh` does with many seeds.
@Suite(.timeLimit(.minutes(5)))
struct `The simulated life of an account` {
    @Test func `goes well for a hundred histories`() throws {
        var simulation = try Simulation()
        for seed in 1...100 as ClosedRange<UInt64> {
            #expect(simulation.play(seed)?.description == nil)
        }
    }
}
