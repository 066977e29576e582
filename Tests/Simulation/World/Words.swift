import Agent
import Federation
import Kernel
import Outputs

extension AccountLife {
    /// Changes nothing. It is mutating so that the life, which is large, is looked at where it is: a call on
    /// a value would have a copy of it.
    mutating func view(
        at now: BootInstant,
        holding document: Secret,
        after last: World.View?,
        _ known: [ObjectIdentifier: World.Facts]
    ) -> World.View {
        let inForce = ObjectIdentifier(account.document)
        var given: World.Held?
        if case .success(let credential)? = answer(for: document, newerThan: nil, at: now) {
            given = World.Held(credential)
        }
        return World.View(
            document: inForce,
            facts: last?.document == inForce ? last?.facts : known[inForce],
            deadline: deadline ?? .distantFuture,
            pendingRevocations: revocations.count,
            phase: phase(at: now),
            isStopping: isStopping,
            isReady: isReady(at: now),
            isDelivering: isDelivering,
            isAttempting: isAttempting,
            hasCandidate: candidate != nil,
            credential: credential.flatMap(World.Held.init),
            given: given
        )
    }
}

extension Credential {
    var number: Int? { value.number }
}

extension Secret {
    /// A credential's value is this and its number.
    private static let prefix: StaticString = "token-"

    static func token(_ number: Int) -> Secret { Secret("\(prefix)\(number)") }

    var number: Int? {
        let start = Self.prefix.utf8CodeUnitCount
        return withBytes { bytes in
            guard bytes.byteCount > start else { return nil }
            var number = 0
            for index in start..<bytes.byteCount {
                let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                number = 10 * number + Int(byte) - 0x30
            }
            return number
        }
    }
}

extension World {
    /// What is looked at after each event, taken in one call: each question by itself would cost a copy of
    /// the life.
    struct View {
        /// Of the version in force, whose facts these are.
        let document: ObjectIdentifier
        let facts: Facts?
        let deadline: BootInstant
        let pendingRevocations: Int
        let phase: AccountLife.Phase
        let isStopping: Bool
        let isReady: Bool
        let isDelivering: Bool
        let isAttempting: Bool
        let hasCandidate: Bool
        let credential: Held?
        /// What whoever holds the file's bytes is given.
        let given: Held?

        /// What the life is about at that moment, which may be later.
        func state(at now: BootInstant) -> State {
            State(
                phase: credential.map { now < $0.expiry ? .valid : .expired } ?? .pending,
                hasCandidate: hasCandidate,
                isAttempting: isAttempting,
                isDelivering: isDelivering,
                owesRevocations: pendingRevocations > 0,
                isStopping: isStopping
            )
        }
    }

    /// What is to be known of a credential that somebody holds.
    struct Held {
        let number: Int
        let receivedAt: BootInstant
        let lifetime: Double
        let expiry: BootInstant

        init?(_ credential: Credential) {
            guard let number = credential.number else { return nil }
            self.number = number
            receivedAt = credential.receivedAt
            lifetime = credential.lifetime
            expiry = credential.expiry
        }
    }

    /// What an account's life can be told, as the coverage counts it.
    enum EventKind: Int, CaseIterable {
        case started, timePassed, exchanged, exchangeFailed, delivered, deliveryFailed, withdrawn,
            outputsOpened, outputsNotOpened, kept, notKept, hooksEnded, hooksFailed, revoked,
            revocationFailed, closed, fileChanged, fileBroken, outputsTouched, refreshRequested,
            tokenFileChanged,
            revocationRequested, clockChanged, stopRequested, stopped

        init(_ event: AccountLife.Event) {
            switch event {
            case .started: self = .started
            case .timePassed: self = .timePassed
            case .exchanged(_, let result):
                if case .success = result.outcome {
                    self = .exchanged
                } else {
                    self = .exchangeFailed
                }
            case .delivered(let reports, _):
                let isWell = reports.allSatisfy { $0.failure == nil }
                self = isWell ? .delivered : .deliveryFailed
            case .withdrawn: self = .withdrawn
            case .opened(.opened): self = .outputsOpened
            case .opened: self = .outputsNotOpened
            case .kept(let problem): self = problem == nil ? .kept : .notKept
            case .hooksEnded(let failures): self = failures.isEmpty ? .hooksEnded : .hooksFailed
            case .revocationEnded(_, let failure):
                self = failure == nil ? .revoked : .revocationFailed
            case .closed: self = .closed
            case .fileChanged: self = .fileChanged
            case .fileBroken: self = .fileBroken
            case .outputsTouched: self = .outputsTouched
            case .refreshRequested: self = .refreshRequested
            case .tokenFileChanged: self = .tokenFileChanged
            case .revocationRequested: self = .revocationRequested
            case .clockChanged: self = .clockChanged
            case .stopRequested: self = .stopRequested
            case .stopped: self = .stopped
            }
        }

        /// In words: "exchange failed".
        var words: String {
            "\(self)".reduce(into: "") { $0 += $1.isUppercase ? " \($1.lowercased())" : "\($1)" }
        }
    }

    /// The state of an account's life, coarsely.
    struct State: CustomStringConvertible {
        let phase: AccountLife.Phase
        let hasCandidate: Bool
        let isAttempting: Bool
        let isDelivering: Bool
        let owesRevocations: Bool
        let isStopping: Bool

        static let count = 96

        private static let phases: [AccountLife.Phase] = [.pending, .valid, .expired]

        var index: Int {
            let first = phase == .pending ? 0 : phase == .valid ? 32 : 64
            return first + (hasCandidate ? 16 : 0) + (isAttempting ? 8 : 0) + (isDelivering ? 4 : 0)
                + (owesRevocations ? 2 : 0) + (isStopping ? 1 : 0)
        }

        /// The one with that index.
        init(index: Int) {
            phase = Self.phases[index >> 5]
            hasCandidate = index & 16 != 0
            isAttempting = index & 8 != 0
            isDelivering = index & 4 != 0
            owesRevocations = index & 2 != 0
            isStopping = index & 1 != 0
        }

        init(
            phase: AccountLife.Phase,
            hasCandidate: Bool,
            isAttempting: Bool,
            isDelivering: Bool,
            owesRevocations: Bool,
            isStopping: Bool
        ) {
            self.phase = phase
            self.hasCandidate = hasCandidate
            self.isAttempting = isAttempting
            self.isDelivering = isDelivering
            self.owesRevocations = owesRevocations
            self.isStopping = isStopping
        }

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
}

/// Which events came in which states.
package struct Coverage: Sendable {
    private(set) var counts: [Int]

    package init() {
        counts = Array(repeating: 0, count: World.EventKind.allCases.count * World.State.count)
    }

    mutating func note(_ event: World.EventKind, _ state: World.State) {
        counts[event.rawValue * World.State.count + state.index] += 1
    }

    package mutating func add(_ other: Coverage) {
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    /// How many pairs of event and state have been seen.
    package var seen: Int { counts.count { $0 > 0 } }

    /// The pairs that have not been seen, of all events and the states that have.
    package var unseen: [String] {
        let kinds = World.EventKind.allCases
        let states = (0..<World.State.count).filter { state in
            kinds.contains { counts[$0.rawValue * World.State.count + state] > 0 }
        }
        return kinds.flatMap { kind in
            states.filter { counts[kind.rawValue * World.State.count + $0] == 0 }
                .map { "\(kind.words) while \(World.State(index: $0))" }
        }
    }
}
