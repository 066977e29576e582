import Federation
import TestSupport

/// When the peers of this program refresh, as they publish it; all retry as ours does.
enum FleetPolicy: String, CaseIterable, Sendable {
    case ours
    case later = "50 % to 75 %"
    case halfLife = "half-life, no jitter"
    case fiveMinutes = "5 min before expiry"
    case twoThirds = "2/3 of the lease"

    func refreshDelay(lifetime: Double, chance: Double) -> Double {
        switch self {
        case .ours: RefreshSchedule.refreshDelay(lifetime: lifetime, chance: chance)
        case .later: lifetime * (0.50 + 0.25 * chance)
        case .halfLife: lifetime / 2
        case .fiveMinutes: lifetime - 300
        case .twoThirds: lifetime * 2 / 3
        }
    }
}

/// Many agents at one service, in virtual time: steps of events, no clock.
struct Fleet {
    /// Times are seconds from the start.
    struct Scenario: Sendable {
        var agents = 100_000
        var lifetime = 3600.0
        /// Exchanges that the service can take in a second; others get 429 with this Retry-After.
        var capacity = 200
        var retryAfter = 10.0
        /// While it is down every request fails at once.
        var outage: Range<Double>?
        /// When every agent starts anew, without a credential.
        var restart: Double?
        var end = 6 * 3600.0
    }

    struct Outcome {
        /// Requests in each second.
        var requests: [Int] = []
        var served: [Int] = []
        /// For each credential that ran out before its successor came: the seconds in which an
        /// attempt would have been due and allowed.
        var losses: [[Range<Int>]] = []
        /// The last moment at which an agent had no valid credential.
        var lastUnready = 0.0

        /// The most and the mean of requests in a second, over minutes.
        func rate(_ range: Range<Double>) -> (peak: Double, mean: Double) {
            let seconds = requests[Int(range.lowerBound)..<Int(range.upperBound)]
            var peak = 0
            var start = seconds.startIndex
            while start + 60 <= seconds.endIndex {
                peak = max(peak, seconds[start..<(start + 60)].reduce(0, +))
                start += 60
            }
            return (Double(peak) / 60, Double(seconds.reduce(0, +)) / Double(seconds.count))
        }

        /// Credentials that ran out although the service had room while they were due, and had not
        /// asked for a pause.
        func savable(_ scenario: Scenario) -> Int {
            var spare: [Int] = [0]
            for (second, count) in served.enumerated() {
                let isDown = scenario.outage?.contains(Double(second)) ?? false
                spare.append(spare[second] + (!isDown && count < scenario.capacity ? 1 : 0))
            }
            return losses.count { chances in
                chances.contains { spare[$0.upperBound] > spare[$0.lowerBound] }
            }
        }
    }

    private struct Agent {
        var expiry = -1.0
        /// Since when an attempt has been due and allowed.
        var due = 0.0
        /// The seconds in which one was, until the service asked for a pause.
        var chances: [Range<Int>] = []
        var failures = 0
        var generation = 0
        var isLost = false

        /// The whole seconds since it has been due.
        func seconds(until end: Double) -> Range<Int> {
            let start = Int(due.rounded(.up))
            return start..<max(start, Int(end))
        }
    }

    private struct Event: Comparable {
        let time: Double
        let agent: Int32
        let generation: Int32

        static func < (left: Event, right: Event) -> Bool { left.time < right.time }
    }

    private let scenario: Scenario
    private let policy: FleetPolicy
    private var random: Generator
    private var agents: [Agent]
    private var events: Heap = Heap()
    private var outcome = Outcome()

    static func run(_ scenario: Scenario, _ policy: FleetPolicy, seed: UInt64 = 1) -> Outcome {
        var fleet = Fleet(scenario, policy, seed)
        fleet.run()
        return fleet.outcome
    }

    private init(_ scenario: Scenario, _ policy: FleetPolicy, _ seed: UInt64) {
        self.scenario = scenario
        self.policy = policy
        random = Generator(seed: seed)
        agents = Array(repeating: Agent(), count: scenario.agents)
        outcome.requests = Array(repeating: 0, count: Int(scenario.end) + 2)
        outcome.served = outcome.requests
        // A fleet that has run for long: credentials of all ages.
        for index in agents.indices {
            let chance = Double.random(in: 0..<1, using: &random)
            let delay = policy.refreshDelay(lifetime: scenario.lifetime, chance: chance)
            let age = Double.random(in: 0..<delay, using: &random)
            agents[index].expiry = scenario.lifetime - age
            schedule(index, at: delay - age)
        }
    }

    private mutating func schedule(_ index: Int, at time: Double) {
        events.push(
            Event(time: time, agent: Int32(index), generation: Int32(agents[index].generation))
        )
    }

    private mutating func run() {
        var restart = scenario.restart
        while let event = events.pop(), event.time < scenario.end {
            if let moment = restart, event.time >= moment {
                restart = nil
                for index in agents.indices {
                    agents[index] = Agent(generation: agents[index].generation + 1, isLost: true)
                    schedule(index, at: moment)
                }
                events.push(event)
                continue
            }
            let index = Int(event.agent)
            guard agents[index].generation == Int(event.generation) else { continue }
            attempt(index, at: event.time)
        }
    }

    private mutating func attempt(_ index: Int, at now: Double) {
        let second = Int(now)
        outcome.requests[second] += 1
        if agents[index].failures == 0 {
            agents[index].due = now
            agents[index].chances = []
        }
        noteLoss(of: index, at: now)
        let chance = Double.random(in: 0..<1, using: &random)
        let isDown = scenario.outage?.contains(now) ?? false
        if !isDown, outcome.served[second] < scenario.capacity {
            outcome.served[second] += 1
            if agents[index].expiry <= now { outcome.lastUnready = max(outcome.lastUnready, now) }
            agents[index].expiry = now + scenario.lifetime
            agents[index].failures = 0
            agents[index].isLost = false
            let delay = policy.refreshDelay(lifetime: scenario.lifetime, chance: chance)
            return schedule(index, at: now + delay)
        }
        agents[index].failures += 1
        let failure = Failure(
            isDown ? .transient : .throttled,
            at: .exchange,
            "",
            retryAfter: isDown ? nil : scenario.retryAfter
        )
        let rest = agents[index].expiry - now
        if !isDown {
            agents[index].chances.append(agents[index].seconds(until: now))
            agents[index].due = now + scenario.retryAfter
        }
        let delay = RefreshSchedule.retryDelay(
            after: failure,
            attempt: agents[index].failures,
            validity: rest > 0 ? .init(lifetime: scenario.lifetime, rest: rest) : nil,
            chance: chance
        )
        schedule(index, at: now + delay)
    }

    private mutating func noteLoss(of index: Int, at now: Double) {
        let agent = agents[index]
        guard agent.expiry <= now, !agent.isLost else { return }
        agents[index].isLost = true
        outcome.losses.append(agent.chances + [agent.seconds(until: agent.expiry)])
    }

    /// The next event first.
    private struct Heap {
        private var items: [Event] = []

        mutating func push(_ event: Event) {
            items.append(event)
            var child = items.count - 1
            while child > 0, items[child] < items[(child - 1) / 2] {
                items.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        }

        mutating func pop() -> Event? {
            guard let first = items.first, let last = items.popLast() else { return nil }
            guard !items.isEmpty else { return first }
            items[0] = last
            var parent = 0
            while true {
                let left = 2 * parent + 1
                guard left < items.count else { return first }
                let right = left + 1
                let child = right < items.count && items[right] < items[left] ? right : left
                guard items[child] < items[parent] else { return first }
                items.swapAt(child, parent)
                parent = child
            }
        }
    }
}
