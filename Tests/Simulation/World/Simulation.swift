import Agent
package import Federation
import Kernel
import TestSupport

/// Plays seeds: makes a history of each, runs it, and finds the shortest history that still fails.
package struct Simulation {
    /// A seed whose history ended badly.
    package struct Finding: CustomStringConvertible {
        package let seed: UInt64
        package let violation: String
        /// What was done to the world, and nothing that can be left out.
        package let actions: [String]
        package let trace: [String]

        package var description: String {
            "seed \(seed): \(violation)\n\(actions.joined(separator: "\n"))\n\(trace.joined(separator: "\n"))"
        }
    }

    package private(set) var coverage = Coverage()
    package private(set) var events = 0

    private let versions: [[World.Version]]
    private let known: [ObjectIdentifier: World.Facts]

    /// Seconds of a history.
    package static let day = 86_400.0

    package init() throws(AccountError) {
        var versions: [[World.Version]] = []
        var known: [ObjectIdentifier: World.Facts] = [:]
        for identity in 0..<3 {
            var rests: [World.Version] = []
            for (places, variable) in [([0], "A"), ([0], "B"), ([1], "A"), ([0, 1], "A")] {
                let version = World.Version(
                    account: try Self.account(identity, places, variable),
                    facts: World.Facts(identity: identity, places: places)
                )
                rests.append(version)
                known[ObjectIdentifier(version.account.document)] = version.facts
            }
            versions.append(rests)
        }
        self.versions = versions
        self.known = known
    }

    private static func account(
        _ identity: Int,
        _ places: [Int],
        _ variable: String
    ) throws(AccountError) -> Account {
        let outputs = places.map { "{\"format\": \"raw\", \"path\": \"/out/\($0)\"}" }
        let document = """
            {"type": "external_account", "service": "bright", "projectId": "project-\(identity)",
             "variable": "\(variable)", "outputs": [\(outputs.joined(separator: ", "))],
             "onRefresh": [{"command": ["/bin/true"]}]}
            """
        return try Account(parsing: Secret(document), path: "/etc/wif-agent/a.json")
    }

    /// Plays one seed; `nil` where all was well.
    package mutating func play(_ seed: UInt64) -> Finding? {
        let actions = history(seed)
        guard let violation = run(seed, actions).violations.first else { return nil }
        let shortest = shrink(seed, actions)
        let world = run(seed, shortest, isTraced: true)
        return Finding(
            seed: seed,
            violation: world.violations.first ?? violation,
            actions: shortest.map { "\($0.kind.rawValue) at \($0.at)" },
            trace: world.trace
        )
    }

    /// Plays one seed; a number that is another one where anything of its history is: trace, chance, states.
    package mutating func digest(of seed: UInt64) -> UInt64 {
        var world = run(seed, history(seed), isTraced: true)
        var digest = world.random.next()
        func add(_ value: UInt64) { digest = (digest ^ value) &* 0x100_0000_01B3 }
        for line in world.trace { for byte in line.utf8 { add(UInt64(byte)) } }
        for count in world.coverage.counts { add(UInt64(count)) }
        return digest
    }

    /// Plays a fleet that shares one service, a day long; why it ended badly, if so.
    package func playFleet(_ seed: UInt64) -> String? {
        var fleet = Fleet(seed: seed, account: versions[0][0].account)
        fleet.play()
        return fleet.violation.map { "seed \(seed): \($0)" }
    }

    private mutating func run(
        _ seed: UInt64,
        _ actions: [World.Action],
        isTraced: Bool = false
    ) -> World {
        var world = World(seed: seed, versions: versions, known: known, isTraced: isTraced)
        world.play(actions, duration: Self.day)
        coverage.add(world.coverage)
        events += world.eventCount
        return world
    }

    /// Calm seeds and wild ones; the moments crowd around each other, where orders matter.
    private func history(_ seed: UInt64) -> [World.Action] {
        var random = Generator(seed: seed &* 31 &+ 7)
        let count = Int.random(in: 0...40, using: &random)
        var moment = 0.0
        var actions: [World.Action] = []
        for _ in 0..<count {
            let pauses = [0.01, 0.5, 3, 40, 600, 4000]
            let scale = pauses.randomElement(using: &random) ?? 1
            moment += Double.random(in: 0...scale, using: &random)
            let kinds = World.Action.Kind.allCases
            guard moment < Self.day, let kind = kinds.randomElement(using: &random) else { break }
            actions.append(World.Action(at: moment, kind: kind))
        }
        return actions
    }

    /// The history without what can be left out.
    private mutating func shrink(_ seed: UInt64, _ actions: [World.Action]) -> [World.Action] {
        var shortest = actions
        var index = shortest.count - 1
        while index >= 0 {
            var fewer = shortest
            fewer.remove(at: index)
            if !run(seed, fewer).violations.isEmpty { shortest = fewer }
            index -= 1
        }
        return shortest
    }
}
