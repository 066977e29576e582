import Agent
import Federation
import FoundationEssentials
import Kernel
import Outputs
import TestSupport

/// A model of everything that an account's life depends on, driven by one seed: services, workers, kept
/// state, output files, account files, the agent's own starts and ends. The state machines in it are the
/// real ones; nothing else is, and no real time passes.
struct World {
    /// What can be done to the world, at a moment; the only thing that shrinking removes.
    struct Action {
        let at: Double
        let kind: Kind

        enum Kind: String, CaseIterable {
            case serviceDown, serviceUp, serviceRefuses, serviceThrottles, shortLifetimes,
                longLifetimes
            case diskFull, diskWell, stateDiskFull, stateDiskWell, revocationFails, revocationWorks
            case editIdentity, editRest, editBack, breakFile, mendFile, removeFile, bringFileBack
            case refresh, revoke, clockSet, suspend, touch, workerDies, kill, stop, reboot, slow,
                fast
            case outputsCannotBeOpened, outputsCanBeOpened
        }
    }

    /// What is to happen at a moment.
    struct Scheduled {
        let at: BootInstant
        let order: Int
        let run: Int
        let event: AccountLife.Event
    }

    /// An event, and the state that it came in.
    struct Pair: Hashable, CustomStringConvertible {
        let event: String
        let state: State

        var description: String { "\(event) while \(state)" }
    }

    /// The state of an account's life, coarsely.
    struct State: Hashable, CustomStringConvertible {
        let phase: AccountLife.Phase
        let hasCandidate: Bool
        let isAttempting: Bool
        let isDelivering: Bool
        let owesRevocations: Bool
        let isStopping: Bool

        var description: String {
            var words = [phase.rawValue]
            if hasCandidate { words.append("another version is tried") }
            if isAttempting { words.append("attempting") }
            if isDelivering { words.append("delivering") }
            if owesRevocations { words.append("revocations pending") }
            if isStopping { words.append("stopping") }
            return words.joined(separator: ", ")
        }
    }

    struct Issued {
        let number: Int
        let identity: Int
        let credential: Credential
        var isRevoked = false
    }

    /// One output file.
    struct File {
        var number: Int?
    }

    var violations: [String] = []
    var trace: [String] = []
    var coverage: Set<Pair> = []
    var eventCount = 0

    var random: Generator
    let versions: [[Account]]
    let isTraced: Bool
    var instant = BootInstant(seconds: 1000)
    var life: AccountLife?
    var accounts = AccountSet()
    /// Counts the agent's processes and the account's loops; what an earlier one began is lost.
    var run = 0
    var queue: [Scheduled] = []
    var order = 0
    var nextRequest = 0

    // The world's state.
    var isDown = false
    var refuses = false
    var throttles = false
    var lifetime = 3600.0
    /// Of the next few credentials, so that a day does not have a hundred thousand of them.
    var shortLifetimes: [Double] = []
    var isDiskFull = false
    var isStateDiskFull = false
    var revocationFails = false
    var cannotOpen = false
    var isSlow = false
    var identity = 0
    var rest = 0
    var isBroken = false
    var isRemoved = false
    var isDead = true

    var issued: [Issued] = []
    /// Of which nobody knows any more: what the agent knew went with a crash.
    var lost: Set<Int> = []
    var kept: AccountLife.State?
    /// What is being written down; after a kill it is there or not.
    var keeping: AccountLife.State?
    var files: [Int: File] = [:]
    var lastExchange: Double?

    init(seed: UInt64, versions: [[Account]], isTraced: Bool = false) {
        random = Generator(seed: seed)
        self.versions = versions
        self.isTraced = isTraced
    }

    // MARK: Chance

    mutating func chance() -> Double { Double.random(in: 0..<1, using: &random) }

    mutating func delay() -> Double {
        let base = isSlow ? 20.0 : 0.05
        return 0.001 + base * chance() * chance()
    }

    // MARK: Running

    /// Runs the actions and then a time without faults, and looks at each step whether all is well.
    mutating func play(_ actions: [Action], duration: Double) {
        startAgent()
        for action in actions {
            advance(to: 1000 + action.at)
            if !violations.isEmpty { return }
            perform(action.kind)
        }
        advance(to: 1000 + duration)
        settle()
    }

    mutating func advance(to seconds: Double) {
        let end = BootInstant(seconds: seconds)
        while violations.isEmpty {
            let first = queue.min { ($0.at, $0.order) < ($1.at, $1.order) }
            let deadline = life?.deadline ?? .distantFuture
            guard min(first?.at ?? .distantFuture, deadline) <= end else { break }
            if let first, first.at <= deadline {
                instant = max(instant, first.at)
                queue.removeAll { $0.order == first.order }
                if first.run == run { tell(first.event) }
            } else {
                instant = max(instant, deadline)
                tell(.timePassed)
                if let after = life?.deadline, after <= instant {
                    fail("the deadline \(after) is not in the future: a hot loop")
                }
            }
        }
        instant = max(instant, end)
    }

    var now: Double { instant.seconds(since: BootInstant(nanoseconds: 0)) }

    mutating func fail(_ text: String) {
        violations.append("at \(now - 1000): \(text)")
        note("VIOLATION: \(text)")
    }

    mutating func note(_ text: String) {
        if isTraced { trace.append("\(Int((now - 1000) * 1000)) ms: \(text)") }
    }

    mutating func schedule(_ event: AccountLife.Event, after delay: Double) {
        order += 1
        queue.append(
            Scheduled(at: instant.advanced(bySeconds: delay), order: order, run: run, event: event)
        )
    }
}
