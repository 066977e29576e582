import Federation

extension Account {
    /// Seconds for the outputs: a disk may be slow, and a directory far away.
    private static let deliverySeconds = 300.0

    /// Seconds that one turn of this account's loop takes at the very most, among so many accounts: its
    /// job waits until workers have room, may be run twice, and is followed by deliveries and hooks.
    func longestTurn(among accounts: Int) -> Double {
        let width = JobQueue.maximalWorkers * JobQueue.jobsAtATime
        let jobSeconds = Job.standardTimeout + JobQueue.overstaySeconds + JobQueue.patienceSeconds
        let rounds = Double(2 * (1 + accounts / width))
        return rounds * jobSeconds + Self.deliverySeconds + hooks.map(\.longestRun).reduce(0, +)
    }
}

extension RefreshHook {
    /// Seconds: its time limit, and what it is given to end in.
    fileprivate var longestRun: Double {
        switch self {
        case .command(_, let timeout): timeout + 15
        case .signal: 5
        case .unit: 45
        }
    }
}
