import Agent
import Federation
import Kernel
import Outputs
import TestSupport

/// The accounts of many machines that share one service, which throttles them all and is away for a while.
/// Their lives are the real ones; what they ask for is done as a service that is asked too often does it.
struct Fleet {
    private struct Machine {
        var life: AccountLife
        var lastAttempt: BootInstant?
        var held: Credential?
        var kept: AccountLife.State?
        /// Counts its starts; what was asked for before is answered to nobody.
        var run = 0
    }

    private struct Scheduled {
        let at: BootInstant
        let order: Int
        let machine: Int
        let run: Int
        let event: AccountLife.Event
    }

    private static let size = 24
    /// Seconds for which a service counts requests, and for which it sends away whoever is one too many.
    private static let window = 10.0
    private static let patience = 30.0

    private let account: Account
    private var random: Generator
    private var machines: [Machine]
    /// Of each machine, when its life is to be looked at again.
    private var deadlines: [BootInstant]
    private var queue: [Scheduled] = []
    private var order = 0
    private var instant = BootInstant(seconds: 1000)
    private var capacity: Int
    private var isDown = false
    private var answered: [BootInstant] = []
    private var issued = 0
    private(set) var violation: String?

    init(seed: UInt64, account: Account) {
        var random = Generator(seed: seed &* 17 &+ 3)
        capacity = Int.random(in: 1...6, using: &random)
        self.random = random
        self.account = account
        let life = AccountLife(account: account, revokesSuperseded: true, start: instant)
        machines = Array(repeating: Machine(life: life), count: Self.size)
        deadlines = Array(repeating: .distantFuture, count: Self.size)
    }

    /// A day with an outage and a restart of all at once; then the service has time for everybody.
    mutating func play() {
        for machine in machines.indices { tell(.started(.init()), machine) }
        let outage = Double.random(in: 1000...40_000, using: &random)
        advance(to: outage)
        isDown = true
        advance(to: outage + Double.random(in: 10...7200, using: &random))
        isDown = false
        advance(to: 60_000)
        for machine in machines.indices { restart(machine) }
        advance(to: 86_400)
        capacity = Self.size
        // A refusal's pause is the longest there is, and a throttled attempt comes again after its own.
        advance(to: 86_400 + 300 + 2 * Self.patience + 65)
        for (number, machine) in machines.enumerated() where !machine.life.isReady(at: instant) {
            fail(number, "is not ready although the service has time for everybody")
        }
    }

    private mutating func restart(_ machine: Int) {
        let kept = machines[machine].kept?.adopted(by: account, adopts: true, at: instant)
        machines[machine].life = AccountLife(
            account: account,
            revokesSuperseded: true,
            start: instant
        )
        machines[machine].run += 1
        machines[machine].lastAttempt = nil
        tell(.started(kept ?? .init()), machine)
    }

    private mutating func fail(_ machine: Int, _ text: String) {
        guard violation == nil else { return }
        let now = instant.seconds(since: BootInstant(seconds: 1000))
        violation = "at \(now): machine \(machine) of a fleet \(text)"
    }

    private mutating func advance(to seconds: Double) {
        let end = BootInstant(seconds: 1000 + seconds)
        while violation == nil {
            let next = queue.indices.min {
                (queue[$0].at, queue[$0].order) < (queue[$1].at, queue[$1].order)
            }
            let due = deadlines.indices.min { deadlines[$0] < deadlines[$1] } ?? 0
            let moment = next.map { queue[$0].at } ?? .distantFuture
            guard min(moment, deadlines[due]) <= end else { break }
            if let next, moment <= deadlines[due] {
                let scheduled = queue.remove(at: next)
                instant = max(instant, moment)
                if machines[scheduled.machine].run == scheduled.run {
                    tell(scheduled.event, scheduled.machine)
                }
            } else {
                instant = max(instant, deadlines[due])
                tell(.timePassed, due)
            }
        }
        instant = max(instant, end)
    }

    private mutating func tell(_ event: AccountLife.Event, _ machine: Int) {
        let effects = machines[machine].life.handle(
            event,
            at: instant,
            date: WallTime(secondsSinceEpoch: 0),
            chance: Double(random.next() >> 11) * 0x1p-53
        )
        deadlines[machine] = machines[machine].life.deadline ?? .distantFuture
        for effect in effects { perform(effect, machine) }
    }

    private mutating func schedule(_ event: AccountLife.Event, _ machine: Int) {
        order += 1
        let pause = Double.random(in: 0.001...0.5, using: &random)
        queue.append(
            Scheduled(
                at: instant.advanced(bySeconds: pause),
                order: order,
                machine: machine,
                run: machines[machine].run,
                event: event
            )
        )
    }

    private mutating func perform(_ effect: AccountLife.Effect, _ machine: Int) {
        switch effect {
        case .exchange(let attempt):
            if let last = machines[machine].lastAttempt, instant.seconds(since: last) < 0.999_999 {
                fail(machine, "tries twice within \(instant.seconds(since: last)) s")
            }
            machines[machine].lastAttempt = instant
            schedule(.exchanged(attempt, JobAnswer(exchange(machine))), machine)
        case .deliver(let credential):
            if !credential.value.text.hasPrefix("token-\(machine)-") {
                fail(machine, "is given the credential of another")
            }
            if instant >= credential.expiry { fail(machine, "delivers what has expired") }
            machines[machine].held = credential
            let output = Output(kind: .file(.raw, FileOptions()), path: "/out/0")
            let report = OutputReport(output: output, facts: nil, failure: nil, warnings: [])
            schedule(.delivered([report], seconds: 0.1), machine)
        case .keep(let state):
            machines[machine].kept = state
            schedule(.kept(problem: nil), machine)
        case .expire, .withdraw: schedule(.withdrawn([]), machine)
        case .runHooks: schedule(.hooksEnded([]), machine)
        case .revoke(let entry):
            if machines[machine].held?.value.isEqual(to: entry.credential.value) == true {
                fail(machine, "revokes what its output holds")
            }
            schedule(.revocationEnded(entry, refusal), machine)
        case .open, .close, .answer, .log: break
        }
    }

    /// Why the service does nothing for whoever asks now, if so.
    private var refusal: Failure? {
        mutating get {
            if isDown { return Failure(.transient, at: .exchange, "down") }
            let start = instant.advanced(bySeconds: -Self.window)
            answered.removeAll { $0 < start }
            guard answered.count < capacity else {
                return Failure(.throttled, at: .exchange, "slowly", retryAfter: Self.patience)
            }
            answered.append(instant)
            return nil
        }
    }

    private mutating func exchange(_ machine: Int) -> Result<Credential, Failure> {
        if let refusal { return .failure(refusal) }
        issued += 1
        return .success(
            Credential(
                kind: .accessToken(type: "Bearer", scheme: "Bearer"),
                value: Secret("token-\(machine)-\(issued)"),
                issuedAt: WallTime(secondsSinceEpoch: 0),
                lifetime: 3600,
                receivedAt: instant
            )
        )
    }
}
