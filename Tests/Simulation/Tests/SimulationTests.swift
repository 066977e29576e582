import Simulation
import Testing

/// A taste of what `Tests/Simulation/run.sh` does with many seeds, and every seed that once found a fault.
@Suite(.timeLimit(.minutes(5)))
struct `The simulated life of an account` {
    @Test func `goes well for some hundred histories`() throws {
        var simulation = try Simulation()
        for seed in 1...100 as ClosedRange<UInt64> {
            let finding = simulation.play(seed)
            #expect(finding?.description == nil)
        }
    }
}
