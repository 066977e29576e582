import Agent
import Federation
import Foundation
import Outputs
import Platform
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
    private struct Scheduled {
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

    private(set) var violations: [String] = []
    private(set) var trace: [String] = []
    private(set) var coverage: Set<Pair> = []
    private(set) var eventCount = 0

    private var random: Generator
    private let versions: [[Account]]
    private let isTraced: Bool
    private var instant = BootInstant(seconds: 1000)
    private var life: AccountLife?
    private var accounts = AccountSet()
    /// Counts the agent's processes and the account's loops; what an earlier one began is lost.
    private var run = 0
    private var queue: [Scheduled] = []
    private var order = 0
    private var nextRequest = 0

    // The world's state.
    private var isDown = false
    private var refuses = false
    private var throttles = false
    private var lifetime = 3600.0
    /// Of the next few credentials, so that a day does not have a hundred thousand of them.
    private var shortLifetimes: [Double] = []
    private var isDiskFull = false
    private var isStateDiskFull = false
    private var revocationFails = false
    private var cannotOpen = false
    private var isSlow = false
    private var identity = 0
    private var rest = 0
    private var isBroken = false
    private var isRemoved = false
    private var isDead = true

    private var issued: [Issued] = []
    /// Of which nobody knows any more: what the agent knew went with a crash.
    private var lost: Set<Int> = []
    private var kept: AccountLife.State?
    /// What is being written down; after a kill it is there or not.
    private var keeping: AccountLife.State?
    private var files: [Int: File] = [:]
    private var lastExchange: Double?

    init(seed: UInt64, versions: [[Account]], isTraced: Bool = false) {
        random = Generator(seed: seed)
        self.versions = versions
        self.isTraced = isTraced
    }

    // MARK: Chance

    private mutating func chance() -> Double { Double.random(in: 0..<1, using: &random) }

    private mutating func delay() -> Double {
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

    private mutating func advance(to seconds: Double) {
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

    private var now: Double { instant.seconds(since: BootInstant(nanoseconds: 0)) }

    private mutating func fail(_ text: String) {
        violations.append("at \(now - 1000): \(text)")
        note("VIOLATION: \(text)")
    }

    private mutating func note(_ text: String) {
        if isTraced { trace.append(String(format: "%10.3f  ", now - 1000) + text) }
    }

    private mutating func schedule(_ event: AccountLife.Event, after delay: Double) {
        order += 1
        queue.append(
            Scheduled(at: instant.advanced(bySeconds: delay), order: order, run: run, event: event)
        )
    }
}

// MARK: The agent and the outside

extension World {
    private mutating func startAgent() {
        guard isDead else { return }
        isDead = false
        run += 1
        accounts = AccountSet()
        lastExchange = nil
        note("the agent starts")
        reload()
    }

    private mutating func reload() {
        guard !isDead else { return }
        var files: [AccountSet.File] = []
        if !isRemoved {
            let account = versions[identity][rest]
            let problem = AccountFiles.Problem(
                path: account.path,
                failure: Failure(.misconfigured, at: .account, "broken"),
                isUnreadable: false
            )
            files = [
                .init(path: account.path, content: isBroken ? .failure(problem) : .success(account))
            ]
        }
        for step in accounts.reload(files) {
            switch step {
            case .start(let account): start(account)
            case .change(let account):
                nextRequest += 1
                tell(.fileChanged(account, .init(id: nextRequest)))
            case .hold: tell(.fileBroken)
            case .stop: end(forGood: true)
            case .tellRejection, .tellResolution: break
            }
        }
    }

    private mutating func start(_ account: Account) {
        run += 1
        life = AccountLife(account: account, revokesSuperseded: true, start: instant)
        // The agent as a whole keeps no second between a loop and the next one of the same account.
        lastExchange = nil
        let kept = kept.map { $0.adopted(by: account, at: instant) } ?? CredentialKeeper.Kept()
        if let credential = kept.credential, let issue = issue(of: credential) {
            if issue.isRevoked { fail("credential \(issue.number) was revoked, and is adopted") }
            if issue.identity != identity(of: account) {
                fail("credential \(issue.number) of another identity is adopted")
            }
        }
        tell(.started(kept))
    }

    /// SIGTERM, or the account's file is gone: what runs is cancelled, then the last things are done.
    private mutating func end(forGood: Bool) {
        guard life != nil else { return }
        tell(.stopRequested(forGood: forGood))
        // Cancelled jobs that have ended all the same tell so; the kept state is written to its end.
        let late = queue.filter { $0.run == run }
        queue.removeAll { $0.run == run }
        for scheduled in late {
            if case .exchanged(_, let result) = scheduled.event, case .credential = result.outcome,
                chance() < 0.3
            {
                tell(scheduled.event)
            }
        }
        if let keeping { kept = keeping }
        queue.removeAll { $0.run == run }
        tell(.stopped)
        while violations.isEmpty,
            let next = queue.filter({ $0.run == run }).min(by: { $0.order < $1.order })
        {
            queue.removeAll { $0.order == next.order }
            tell(next.event)
        }
        forget()
    }

    /// The loop is gone, and with it what was not kept.
    private mutating func forget() {
        life = nil
        keeping = nil
        run += 1
        let known =
            [kept?.credential].compactMap(\.self) + (kept?.revocations.map(\.credential) ?? [])
        for issue in issued where !issue.isRevoked {
            if !known.contains(where: { $0.value.isEqual(to: issue.credential.value) }) {
                lost.insert(issue.number)
            }
        }
    }

    private mutating func kill(losingState: Bool) {
        guard !isDead else { return }
        note(losingState ? "the machine loses power" : "the agent is killed")
        if let keeping, chance() < 0.5 { kept = keeping }
        if losingState { kept = nil }
        isDead = true
        forget()
    }

    private mutating func tell(_ event: AccountLife.Event) {
        guard let label = life?.label(at: instant) else { return }
        eventCount += 1
        if eventCount == 500_000 { fail("no end of events") }
        coverage.insert(Pair(event: event.word, state: label))
        note(event.word)
        if case .kept(nil) = event, let keeping {
            kept = keeping
            self.keeping = nil
        }
        let chance = chance()
        let date = Date(timeIntervalSince1970: now)
        let effects = life?.handle(event, at: instant, date: date, chance: chance) ?? []
        for effect in effects { perform(effect) }
        check()
    }

    private mutating func perform(_ effect: AccountLife.Effect) {
        switch effect {
        case .exchange(let attempt): exchange(attempt)
        case .deliver(let credential): deliver(credential)
        case .expire: schedule(.withdrawn([]), after: delay())
        case .withdraw:
            files = [:]
            schedule(.withdrawn([]), after: delay())
        case .open(let account, let removingOthers): open(account, removingOthers)
        case .keep(let state):
            // What could not be written is removed, so that nothing older is adopted.
            if isStateDiskFull { kept = nil } else { keeping = state }
            schedule(.kept(problem: isStateDiskFull ? "full" : nil), after: delay())
        case .runHooks: schedule(.hooksEnded([]), after: 1 + delay())
        case .revoke(let entry): revoke(entry)
        case .close(let removing):
            if removing { files = [:] }
            schedule(.closed([]), after: delay())
        case .answer, .log: break
        }
    }

    private func identity(of account: Account) -> Int {
        // By the project, for an identity takes its time to be made.
        guard case .tokenExchange(let service) = account.service,
            let digit = service.resources.first?.utf8.last
        else { return -1 }
        return Int(digit) - 0x30
    }

    private func issue(of credential: Credential) -> Issued? {
        Int(credential.value.text.dropFirst("token-".count)).map { issued[$0] }
    }

    private mutating func exchange(_ attempt: AccountLife.Attempt) {
        let identity = identity(of: attempt.account)
        note("exchange for identity \(identity)")
        if let lastExchange, now - lastExchange < 0.999_999 {
            fail("two attempts within \(now - lastExchange) s")
        }
        lastExchange = now
        let pause = delay()
        let outcome: JobResult.Outcome
        if isDown {
            outcome = .failure(Failure(.transient, at: .exchange, "down"))
        } else if throttles {
            outcome = .failure(Failure(.throttled, at: .exchange, "slowly", retryAfter: 30))
        } else if refuses {
            outcome = .failure(Failure(.refused, at: .exchange, "no"))
        } else {
            let credential = Credential(
                kind: .accessToken(type: "Bearer", scheme: "Bearer"),
                value: Secret("token-\(issued.count)"),
                issuedAt: Date(timeIntervalSince1970: now),
                lifetime: shortLifetimes.popLast() ?? lifetime,
                receivedAt: instant
            )
            issued.append(
                Issued(number: issued.count, identity: identity, credential: credential)
            )
            outcome = .credential(credential)
        }
        schedule(.exchanged(attempt, JobResult(id: attempt.id, outcome: outcome)), after: pause)
        // A worker that answers twice.
        if chance() < 0.01 {
            schedule(
                .exchanged(attempt, JobResult(id: attempt.id, outcome: outcome)),
                after: pause + delay()
            )
        }
    }

    private mutating func deliver(_ credential: Credential) {
        guard let issue = issue(of: credential), let life else { return }
        note("deliver \(issue.number)")
        if issue.identity != identity(of: life.account) {
            fail(
                "credential \(issue.number) of identity \(issue.identity) is delivered to another's outputs"
            )
        }
        if issue.isRevoked {
            fail("credential \(issue.number) is delivered although it is revoked")
        }
        if instant >= credential.expiry { fail("credential \(issue.number) is delivered expired") }
        let place = life.account.place
        if let old = files[place]?.number, old > issue.number,
            issued[old].identity == issue.identity
        {
            fail("output \(place) goes back from credential \(old) to \(issue.number)")
        }
        let failure = isDiskFull ? Failure(.transient, at: .output, "full") : nil
        if failure == nil { files[place] = File(number: issue.number) }
        let output = Output(kind: .file(.raw, FileOptions()), path: "/out/\(place)")
        let report = OutputReport(output: output, facts: nil, failure: failure, warnings: [])
        let pause = delay()
        schedule(.delivered([report], seconds: pause), after: pause)
    }

    private mutating func open(_ account: Account, _ removingOthers: Bool) {
        note("open the outputs of identity \(identity(of: account)), place \(account.place)")
        if cannotOpen {
            let failure = Failure(.misconfigured, at: .output, "no place")
            schedule(.opened(chance() < 0.5 ? .reverted(failure) : .lost(failure)), after: delay())
        } else {
            if removingOthers { files = files.filter { $0.key == account.place } }
            schedule(.opened(.opened), after: delay())
        }
    }

    private mutating func revoke(_ entry: RevocationQueue.Entry) {
        guard let issue = issue(of: entry.credential) else { return }
        note("revoke \(issue.number)")
        if identity(of: entry.account) != issue.identity {
            fail("credential \(issue.number) is sent to another service to be revoked")
        }
        if isDown || revocationFails {
            let failure = Failure(.transient, at: .revoke, "down")
            return schedule(.revocationEnded(entry, failure), after: delay())
        }
        if let life, !life.isStopping, files[life.account.place]?.number == issue.number {
            fail(
                "credential \(issue.number) is revoked while output \(life.account.place) holds it"
            )
        }
        issued[issue.number].isRevoked = true
        schedule(.revocationEnded(entry, nil), after: delay())
    }
}

// MARK: What must always hold

extension World {
    private mutating func check() {
        guard let life else { return }
        if life.revocations.entries.count > 400 { fail("too many wait to be revoked") }
        // Whoever holds the file's bytes is never given another identity's credential.
        let account = versions[identity][rest]
        if case .success(let credential)? = life.answer(
            for: account.document,
            newerThan: nil,
            at: instant
        ) {
            if let issue = issue(of: credential), issue.identity != identity {
                fail("a reader is given credential \(issue.number) of identity \(issue.identity)")
            }
        }
        if life.isReady(at: instant) {
            let number = files[life.account.place]?.number
            if number == nil { fail("ready, and the output is empty") }
            if let number, issued[number].identity != self.identity(of: life.account) {
                fail("ready, and the output holds another identity's credential")
            }
        }
    }

    /// All faults end; then everything is well within what the contract allows: five minutes after a
    /// refusal, a minute for a job, and the grace of what was superseded.
    private mutating func settle() {
        guard violations.isEmpty else { return }
        note("all faults end")
        (isDown, refuses, throttles, isDiskFull, isStateDiskFull) = (
            false, false, false, false, false
        )
        (revocationFails, cannotOpen, isSlow, isBroken, isRemoved) = (
            false, false, false, false, false
        )
        lifetime = 3600
        startAgent()
        reload()
        if life?.isReady(at: instant) == false { tell(.refreshRequested(delay: 0)) }
        advance(to: now + 300 + 60 + 40)
        guard violations.isEmpty else { return }
        guard let life, life.isReady(at: instant) else {
            return fail("not ready after all faults ended")
        }
        if identity(of: life.account) != identity { fail("the file's identity is not in force") }
        // What was superseded is known of, and goes one by one.
        let current = files[versions[identity][rest].place]?.number
        for issue in issued
        where !issue.isRevoked && issue.credential.expiry > instant && issue.number != current
            && !isAwaited(issue) && !lost.contains(issue.number)
        {
            return fail("credential \(issue.number) was superseded, and nobody will revoke it")
        }
        advance(to: now + 300 + 60 + 60)
        if violations.isEmpty, let pending = self.life?.revocations.entries.count, pending > 2 {
            fail("\(pending) credentials still wait to be revoked")
        }
    }

    /// Whether its revocation is to come, or it is the present one.
    private func isAwaited(_ issue: Issued) -> Bool {
        let known =
            (life?.revocations.entries.map(\.credential) ?? [])
            + [life?.credential].compactMap(\.self)
        return known.contains { $0.value.isEqual(to: issue.credential.value) }
    }
}

// MARK: What can be done to the world

extension World {
    private mutating func perform(_ action: Action.Kind) {
        note("== \(action.rawValue)")
        switch action {
        case .serviceDown: isDown = true
        case .serviceUp: (isDown, refuses, throttles) = (false, false, false)
        case .serviceRefuses: refuses = true
        case .serviceThrottles: throttles = true
        case .shortLifetimes:
            let short = [1.0, 2, 5, 30, 60][Int(5 * chance())]
            shortLifetimes = Array(repeating: short, count: 6)
        case .longLifetimes: lifetime = [600, 3600, 86_400][Int(3 * chance())]
        case .diskFull: isDiskFull = true
        case .diskWell: isDiskFull = false
        case .stateDiskFull: isStateDiskFull = true
        case .stateDiskWell: isStateDiskFull = false
        case .revocationFails: revocationFails = true
        case .revocationWorks: revocationFails = false
        case .outputsCannotBeOpened: cannotOpen = true
        case .outputsCanBeOpened: cannotOpen = false
        case .slow: isSlow = true
        case .fast: isSlow = false
        case .editIdentity: edit(identity: Int(chance() * Double(versions.count)), rest: rest)
        case .editRest: edit(identity: identity, rest: Int(chance() * Double(versions[0].count)))
        case .editBack: edit(identity: 0, rest: 0)
        case .breakFile: isBroken = true; reload()
        case .mendFile: isBroken = false; reload()
        case .removeFile: isRemoved = true; reload()
        case .bringFileBack: isRemoved = false; reload()
        case .refresh: tell(.refreshRequested(delay: chance() < 0.5 ? 0 : 3 * chance()))
        case .revoke:
            nextRequest += 1
            tell(.revocationRequested(.init(id: nextRequest)))
        case .clockSet: tell(.clockChanged)
        case .suspend:
            instant = instant.advanced(bySeconds: 8 * 3600 * chance() * chance())
            tell(.clockChanged)
        case .touch:
            guard let life else { return }
            files[life.account.place] = nil
            tell(.outputsTouched)
        case .workerDies: failJobs()
        case .kill:
            kill(losingState: false)
            startAgent()
        case .reboot:
            kill(losingState: true)
            startAgent()
        case .stop:
            guard !isDead else { return }
            end(forGood: true)
            isDead = true
            startAgent()
        }
    }

    private mutating func edit(identity: Int, rest: Int) {
        (self.identity, self.rest) = (identity, rest)
        reload()
    }

    /// The jobs that run come to nothing.
    private mutating func failJobs() {
        let failure = JobResult(
            id: 0,
            outcome: .failure(Failure(.transient, at: .worker, "the worker died"))
        )
        let jobs = queue
        queue = []
        for scheduled in jobs {
            guard case .exchanged(let attempt, let result) = scheduled.event else {
                queue.append(scheduled)
                continue
            }
            if case .credential(let credential) = result.outcome, let issue = issue(of: credential)
            {
                lost.insert(issue.number)
            }
            queue.append(
                Scheduled(
                    at: scheduled.at,
                    order: scheduled.order,
                    run: scheduled.run,
                    event: .exchanged(attempt, failure)
                )
            )
        }
    }
}

extension Account {
    /// The number in its output's path.
    var place: Int {
        configuredOutputs.first?.path.split(separator: "/").last.flatMap { Int($0) } ?? 0
    }
}

extension AccountLife {
    /// What it is about.
    fileprivate func label(at now: BootInstant) -> World.State {
        World.State(
            phase: phase(at: now),
            hasCandidate: candidate != nil,
            isAttempting: isAttempting,
            isDelivering: isDelivering,
            owesRevocations: !revocations.entries.isEmpty,
            isStopping: isStopping
        )
    }
}

extension AccountLife.Event {
    static let words = [
        "started", "time passed", "exchanged", "exchange failed", "delivered", "delivery failed",
        "withdrawn", "outputs opened", "outputs not opened", "kept", "not kept", "hooks ended",
        "revoked", "revocation failed", "closed", "file changed", "file broken", "outputs touched",
        "refresh requested", "revocation requested", "clock changed", "stop requested", "stopped",
    ]

    var word: String {
        switch self {
        case .started: "started"
        case .timePassed: "time passed"
        case .exchanged(_, let result):
            if case .credential = result.outcome { "exchanged" } else { "exchange failed" }
        case .delivered(let reports, _):
            reports.allSatisfy { $0.failure == nil } ? "delivered" : "delivery failed"
        case .withdrawn: "withdrawn"
        case .opened(.opened): "outputs opened"
        case .opened: "outputs not opened"
        case .kept(let problem): problem == nil ? "kept" : "not kept"
        case .hooksEnded: "hooks ended"
        case .revocationEnded(_, let failure): failure == nil ? "revoked" : "revocation failed"
        case .closed: "closed"
        case .fileChanged: "file changed"
        case .fileBroken: "file broken"
        case .outputsTouched: "outputs touched"
        case .refreshRequested: "refresh requested"
        case .revocationRequested: "revocation requested"
        case .clockChanged: "clock changed"
        case .stopRequested: "stop requested"
        case .stopped: "stopped"
        }
    }
}
