import Federation
import Kernel
import Testing

@testable import Agent

@Suite struct `The pace of attempts` {
    private let failure = Failure(.transient, at: .exchange, "down")
    private let start = BootInstant(seconds: 1000)

    private func turn(_ now: BootInstant) -> AccountLife.Turn {
        AccountLife.Turn(now: now, date: WallTime(secondsSinceEpoch: 0), chance: 0.5)
    }

    /// Contract: what is left of a valid credential bounds the pause, to a quarter of it; one that has run
    /// out, at its very end or before, does not. Seconds that are left, and the pause after the fifth
    /// failure in a row: half of 32 s at most.
    @Test(arguments: [
        (400.0, 16.0), (40, 5), (0.5, 1), (0, 16), (-10, 16),
    ])
    func `follows from what is left of the credential`(rest: Double, pause: Double) {
        var pace = AttemptPace(next: start)
        let now = start.advanced(bySeconds: 3600 - rest)
        for _ in 1...5 { pace.fail(failure, with: .named("a"), turn(now)) }
        #expect(pace.next == now.advanced(bySeconds: pause))
    }

    @Test func `begins anew after a success`() {
        var pace = AttemptPace(next: start)
        for _ in 1...3 { pace.fail(failure, with: nil, turn(start)) }
        #expect(pace.next == start.advanced(bySeconds: 4))
        pace.succeed(with: .named("a"), chance: 0.5, lastAttempt: nil)
        #expect(pace.failuresInARow == 0)
        pace.fail(failure, with: nil, turn(start))
        #expect(pace.next == start.advanced(bySeconds: 1))
    }
}
