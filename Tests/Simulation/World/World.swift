import Agent
import Federation
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
                longLifetimes, givesAgain, givesAnew
            case diskFull, oneDiskFull, diskWell, stateDiskFull, stateDiskWell
            case revocationFails, revocationRefused, revocationWorks
            case editIdentity, editRest, editBack, breakFile, mendFile, removeFile, bringFileBack
            case refresh, revoke, rotateToken, clockSet, suspend, touch, workerDies, workerHangs,
                kill, stop,
                restart, reboot, slow, fast
            case outputsCannotBeOpened, outputsCanBeOpened, hooksFail, hooksWork
        }
    }

    /// What is to happen at a moment.
    struct Scheduled {
        enum Step {
            case tell(AccountLife.Event)
            /// An output gets that credential, or the socket does.
            case write(place: Int, Credential)
            case offer(Credential)
            case remove(places: [Int])
        }

        let at: BootInstant
        let order: Int
        let run: Int
        let step: Step
    }

    /// What the account file may hold.
    struct Version: Sendable {
        let account: Account
        let facts: Facts
    }

    /// What the world knows of a version.
    struct Facts: Sendable {
        let identity: Int
        /// The outputs it configures, by number.
        let places: [Int]
    }

    struct Issued {
        let number: Int
        let identity: Int
        let credential: Credential
        var isRevoked = false
        /// The account's life has been given it.
        var isKnown = false
        /// Nobody knows of it any more: what the agent knew went with a crash.
        var isLost = false
    }

    var violations: [String] = []
    var trace: [String] = []
    var coverage = Coverage()
    var eventCount = 0

    var random: Generator
    /// By identity, then by the rest.
    let versions: [[Version]]
    /// By the version's document.
    let known: [ObjectIdentifier: Facts]
    let isTraced: Bool
    var instant = BootInstant(seconds: 1000)
    var life: AccountLife?
    /// Of the life, after the last event.
    var view: View?
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
    /// Whether the service may give a credential again that still lives.
    var givesAgain = false
    var lifetime = 3600.0
    /// Of the next few credentials, so that a day does not have a hundred thousand of them.
    var shortLifetimes: [Double] = []
    /// Whether an output cannot be written, by its number.
    var fullDisks: InlineArray<2, Bool> = [false, false]
    var isStateDiskFull = false
    var revocationFailure: Failure?
    var cannotOpen = false
    var hooksFail = false
    var isSlow = false
    var identity = 0
    var rest = 0
    var isBroken = false
    var isRemoved = false
    var isDead = true

    var issued: [Issued] = []
    var kept: AccountLife.State?
    /// Whether what was to be kept last could not be written.
    var isKeptStale = false
    /// What is being written down; after a kill it is there or not.
    var keeping: AccountLife.State?
    /// The credential in each file, by the output's number.
    var files: InlineArray<2, Int?> = [nil, nil]
    /// Whether the account has had an output since its loop began.
    var served: InlineArray<2, Bool> = [false, false]
    /// When what is in a file was received.
    var fileDates: InlineArray<2, BootInstant?> = [nil, nil]
    /// What files hold again after a power loss, since what followed may not have reached the disk.
    var unsynced: InlineArray<2, Int??> = [nil, nil]
    /// What the account's socket gives.
    var offer = SocketOffer()
    var lastExchange: Double?
    /// When something last kept an exchange from succeeding.
    var lastTrouble: BootInstant?
    /// Of which credential it is known that it ran out.
    var lastExpired: Int?

    init(
        seed: UInt64,
        versions: [[Version]],
        known: [ObjectIdentifier: Facts],
        isTraced: Bool = false
    ) {
        random = Generator(seed: seed)
        self.versions = versions
        self.known = known
        self.isTraced = isTraced
    }

    // MARK: Chance

    mutating func chance() -> Double { Double(random.next() >> 11) * 0x1p-53 }

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
            let first = nextStep
            let deadline = view?.deadline ?? .distantFuture
            let moment = first.map { queue[$0].at } ?? .distantFuture
            guard min(moment, deadline) <= end else { break }
            if let first, moment <= deadline {
                instant = max(instant, moment)
                perform(queue.remove(at: first))
            } else {
                instant = max(instant, deadline)
                tell(.timePassed)
                if let after = view?.deadline, after <= instant {
                    fail("the deadline \(after) is not in the future: a hot loop")
                }
            }
        }
        instant = max(instant, end)
    }

    /// Where the step that comes next is.
    var nextStep: Int? {
        // Without a closure, which would have a copy of the world.
        var first: Int?
        for index in queue.indices {
            guard let best = first else {
                first = index
                continue
            }
            let (a, b) = (queue[index].at, queue[best].at)
            if a < b || a == b && queue[index].order < queue[best].order { first = index }
        }
        return first
    }

    mutating func perform(_ scheduled: Scheduled) {
        guard scheduled.run == run else { return }
        switch scheduled.step {
        case .tell(let event): tell(event)
        case .write(let place, let credential): write(credential, to: place)
        case .offer(let credential): offer = SocketOffer(credential.value, until: credential.expiry)
        case .remove(let places): remove(places)
        }
    }

    var now: Double { instant.seconds(since: BootInstant(nanoseconds: 0)) }

    mutating func fail(_ text: String) {
        violations.append("at \(now - 1000): \(text)")
        note("VIOLATION: \(text)")
    }

    mutating func note(_ text: @autoclosure () -> String) {
        if isTraced { trace.append("\(Int((now - 1000) * 1000)) ms: \(text())") }
    }

    mutating func schedule(_ event: AccountLife.Event, after delay: Double) {
        schedule(.tell(event), after: delay)
    }

    mutating func schedule(_ step: Scheduled.Step, after delay: Double) {
        order += 1
        queue.append(
            Scheduled(at: instant.advanced(bySeconds: delay), order: order, run: run, step: step)
        )
    }
}
