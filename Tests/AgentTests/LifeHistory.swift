import Federation
import Kernel
import Testing
import Text

@testable import Agent
@testable import Outputs

/// A history of an account as a text: at each moment what the life is told, all that it wants done, and
/// what shows of it that did not before.
///
///     1000 start
///         exchange p
///         attempting yes, deadline none
///     1000.25 gives token-1
///         …
///
/// The moments and events stand in the text; the lines below them are what is expected. A test compares the
/// text with what a life answers to its events.
struct LifeHistory {
    private var life: AccountLife
    private var now = BootInstant(seconds: 1000)
    private var attempts: [AccountLife.Attempt] = []
    private var revoking: [RevocationQueue.Entry] = []
    private var requests = 0
    private var shown: [(name: String, value: String)] = []

    private static let chance = 0.5

    /// A history that is expected, and the account file at its start.
    struct Row: CustomTestStringConvertible, Sendable {
        let name: String
        let file: String
        let revokes: Bool
        let text: String

        var testDescription: String { name }

        /// - Parameters:
        ///   - file: the name of the account file at the start.
        ///   - revokes: whether superseded credentials are revoked.
        init(_ name: String, of file: String, revokes: Bool = true, _ text: String) {
            (self.name, self.file, self.revokes, self.text) = (name, file, revokes, text)
        }
    }

    /// What an event in words cannot be made of.
    struct Unknown: Error {
        let line: String
    }

    /// The account files, by the name that events call them by.
    static let files: [String: [String: JSON]] = [
        "base": [:],
        "rest": ["variable": "X"],
        "rest2": ["variable": "Y"],
        "short": ["lifetime": 600],
        "hooks": ["onRefresh": [["command": ["/bin/true"]]]],
        "hooks2": ["onRefresh": [["command": ["/bin/true"]]], "variable": "X"],
        "exit": ["revokeOnExit": true],
        "other": ["projectId": "other"],
        "other2": ["projectId": "other", "variable": "X"],
        "third": ["projectId": "third"],
        "two": [
            "outputs": [
                ["format": "raw", "path": "/out/0"], ["format": "raw", "path": "/out/1"],
            ]
        ],
        "second": ["outputs": [["format": "raw", "path": "/out/1"]]],
        "socket": ["outputs": [["format": "socket", "path": "/out/0"]]],
    ]

    /// How most histories begin: the first credential is there, kept and delivered.
    static let delivered = """
        1000 start
            exchange 1 for p at 1000
            - is attempting
            - next attempt 1000, it is under way
        1000.25 gives token-1
            log refreshed token-1
            keep token-1 of p, revocations []
            - phase valid
            - credential token-1
            - is delivering
            - deadline 2710.25
            - next attempt 2710.25, at 48 % of the credential's lifetime
            - attempts 1 ended, 1 well; 1 took 0.25 s
        1000.3 kept
            log kept
            deliver token-1
        1000.5 delivered ok
            log delivered to /out/0
            - is ready settled
            - outputs ok
            - deliveries /out/0 1 ok 0 failed, 1 took 0.25 s

        """

    private init(_ file: String, revokes: Bool) throws {
        life = AccountLife(account: try Self.account(file), revokesSuperseded: revokes, start: now)
        shown = facts
    }

    private static func account(_ name: String) throws -> Account {
        if name == "mondoo" { return try .mondoo() }
        guard let members = files[name] else { throw Unknown(line: name) }
        return try .revocable(members)
    }

    /// The text with what really follows from its events.
    static func played(_ row: Row) throws -> String {
        var history = try LifeHistory(row.file, revokes: row.revokes)
        var lines: [String] = []
        for line in row.text.split(separator: "\n").map(String.init) where !line.hasPrefix(" ") {
            lines.append(line)
            lines += try history.play(line).map { "    \($0)" }
        }
        return lines.joined(separator: "\n")
    }

    private mutating func play(_ line: String) throws -> [String] {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        guard words.count == 2, let moment = Double(words[0]) else { throw Unknown(line: line) }
        now = BootInstant(seconds: moment)
        let effects = life.handle(
            try event(words[1].split(separator: " ").map(String.init), line),
            at: now,
            date: WallTime(secondsSinceEpoch: 1_704_164_645),
            chance: Self.chance
        )
        for effect in effects {
            if case .exchange(let attempt) = effect { attempts.append(attempt) }
            if case .revoke(let entry) = effect { revoking.append(entry) }
        }
        let before = shown
        shown = facts
        let changes = zip(before, shown).filter { $0.value != $1.value }.map { _, new in
            "\(new.name) \(new.value)"
        }
        return effects.map(\.words) + changes.map { "- \($0)" }
    }

    // MARK: Events

    private mutating func event(_ words: [String], _ line: String) throws -> AccountLife.Event {
        let rest = Array(words.dropFirst())
        switch words[0] {
        case "start": return .started(try kept(rest))
        case "time": return .timePassed
        case "gives", "fails", "answers": return try exchanged(words, line)
        case "delivered": return .delivered(reports(rest), seconds: 0.25)
        case "withdrawn": return .withdrawn(reports(rest))
        case "closed": return .closed(reports(rest))
        case "opened": return .opened(.opened(reports(rest)))
        case "reverted": return .opened(.reverted(Failure(.misconfigured, at: .output, "no place")))
        case "lost": return .opened(.lost(Failure(.misconfigured, at: .output, "no place")))
        case "kept": return .kept(problem: rest.first)
        case "hooks": return .hooksEnded(rest.map { Failure(.misconfigured, at: .output, $0) })
        case "revoked": return .revocationEnded(try taken(rest, line), nil)
        case "unrevoked":
            return .revocationEnded(
                try taken(rest, line),
                Failure(.refused, at: .revoke, "not yours")
            )
        case "file": return .fileChanged(try Self.account(rest.joined()), request())
        case "broken": return .fileBroken
        case "touched": return .outputsTouched
        case "refresh": return .refreshRequested(delay: rest.first.flatMap(Double.init) ?? 0)
        case "token": return .tokenFileChanged
        case "revoke": return .revocationRequested(request())
        case "clock": return .clockChanged
        case "stop": return .stopRequested(forGood: rest == ["forever"])
        case "stopped": return .stopped
        default: throw Unknown(line: line)
        }
    }

    private mutating func request() -> AccountLife.Request {
        requests += 1
        return AccountLife.Request(id: requests)
    }

    /// "token-1 over token-0": the present one, and those before it.
    private func kept(_ names: [String]) throws -> CredentialKeeper.Kept {
        var kept = CredentialKeeper.Kept()
        kept.credential = names.first.flatMap { $0 == "over" ? nil : .named($0) }
        kept.superseded = try names.drop { $0 != "over" }.dropFirst().map {
            (.named($0), try Self.account("base"))
        }
        return kept
    }

    /// "gives token-1", "gives token-1 for 60", "… to 2" for an attempt before the last one, "… last" of a
    /// token that the source cannot give again; "fails refused"; "answers" with something else.
    private func exchanged(_ words: [String], _ line: String) throws -> AccountLife.Event {
        func value(after word: String) -> Double? {
            words.firstIndex(of: word).flatMap { Double(words[$0 + 1]) }
        }
        let id = value(after: "to").map { Int($0) } ?? attempts.count
        guard attempts.indices.contains(id - 1) else { throw Unknown(line: line) }
        let outcome: Result<Credential, Failure>
        var proof: JobResult.Proof?
        switch words[0] {
        case "gives":
            let lifetime = value(after: "for") ?? 3600
            let seconds = now.seconds(since: BootInstant(seconds: 0))
            outcome = JobAnswer.credential(words[1], at: seconds, lifetime: lifetime).outcome
            if words.contains("proof") || words.contains("last") {
                let isRenewable = !words.contains("last")
                proof = JobResult.Proof(
                    SubjectToken(Secret("t"), source: "file", isRenewable: isRenewable)
                )
            }
        case "fails":
            guard let kind = Failure.Class(rawValue: words[1]) else { throw Unknown(line: line) }
            outcome = .failure(Failure(kind, at: .exchange, "down"))
        default:
            let text = "the worker sent no credential"
            outcome = .failure(Failure(.transient, at: .worker, text))
        }
        let result = JobAnswer(
            outcome,
            proof: proof,
            warnings: words.contains("warning") ? ["look out"] : [],
            clockSkew: value(after: "skew")
        )
        return .exchanged(attempts[id - 1], result)
    }

    /// The outputs by what each came to: "ok", "ok! " with a warning, or a class of failure.
    private func reports(_ words: [String]) -> [OutputReport] {
        words.enumerated().map { index, word in
            OutputReport(
                output: Output(kind: .file(.raw, FileOptions()), path: "/out/\(index)"),
                facts: nil,
                failure: Failure.Class(rawValue: word).map { Failure($0, at: .output, "full") },
                warnings: word == "warned" ? ["look out"] : []
            )
        }
    }

    private func taken(_ words: [String], _ line: String) throws -> RevocationQueue.Entry {
        guard let entry = revoking.last(where: { $0.credential.value.text == words.first }) else {
            throw Unknown(line: line)
        }
        return entry
    }

    // MARK: What shows

    /// All that others see of the life, in words.
    private var facts: [(name: String, value: String)] {
        let entries = life.revocations.entries.map(\.credential.value.text)
        let queued = entries.isEmpty ? "none" : entries.joined(separator: " ")
        return [
            ("phase", life.phase(at: now).rawValue),
            ("account", "\(life.account.project) \(life.account.variable)"),
            (
                "candidate",
                life.candidate.map { "\($0.account.project) \($0.account.variable)" }
                    ?? "none"
            ),
            ("credential", life.credential?.value.text ?? "none"),
            ("proof", life.proof?.source ?? "none"),
            ("skew", life.clockSkew.map(\.short) ?? "none"),
            ("is", state),
            ("deadline", life.deadline.map(\.short) ?? "none"),
            ("next attempt", "\(life.nextAttempt.short), \(life.nextReason)"),
            ("failure", life.lastFailure?.failure.message ?? "none"),
            ("current failure", life.currentFailure?.message ?? "none"),
            ("attempts", attemptCounts),
            ("outputs", life.outputs.isEmpty ? "none" : outputs),
            ("deliveries", deliveryCounts),
            (
                "hooks",
                "\(life.hookRuns) runs, \(life.hookFailures) failures,"
                    + " \(life.lastHookFailure?.message ?? "well")"
            ),
            (
                "revocations",
                "\(queued), \(life.revocations.revoked) done,"
                    + " \(life.revocations.failures) failures"
            ),
        ]
    }

    private var state: String {
        var words: [String] = []
        if life.isReady(at: now) { words.append("ready") }
        if life.isSettled(at: now) { words.append("settled") }
        if life.isAttempting { words.append("attempting") }
        if life.isDelivering { words.append("delivering") }
        if life.isStopping { words.append("stopping") }
        if life.isStuck(at: now, patience: 60) { words.append("stuck") }
        return words.isEmpty ? "nothing" : words.joined(separator: " ")
    }

    private var outputs: String {
        life.outputs.map { $0.failure?.message ?? "ok" }.joined(separator: " ")
    }

    private var attemptCounts: String {
        let failures = life.failures.sorted { $0.key < $1.key }.map {
            "\($0.value) \($0.key.class.rawValue) at \($0.key.step.rawValue)"
        }
        let durations = life.attemptDurations
        let all = ["\(life.endedAttempts) ended", "\(life.refreshes) well"] + failures
        return all.joined(separator: ", ") + "; \(durations.count) took \(durations.sum.short) s"
    }

    private var deliveryCounts: String {
        let counts = life.deliveries.sorted { $0.key < $1.key }.map {
            "\($0.key) \($0.value.ok) ok \($0.value.failed) failed, "
        }
        let durations = life.deliveryDurations
        return counts.joined() + "\(durations.count) took \(durations.sum.short) s"
    }
}

extension Double {
    /// To the millisecond.
    fileprivate var short: String {
        let thousandths = (self * 1000).rounded()
        let text = "\(thousandths / 1000)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

extension BootInstant {
    fileprivate var short: String { seconds(since: BootInstant(seconds: 0)).short }
}

extension AccountLife.Effect {
    /// All of the effect.
    fileprivate var words: String {
        switch self {
        case .exchange(let attempt):
            "exchange \(attempt.id) for \(attempt.account.project) at \(attempt.start.short)"
        case .open(let account, let removing):
            "open \(account.project) \(account.variable)"
                + (removing ? " removing others" : "")
        case .keep(let state):
            "\(word) of \(state.account.project),"
                + " revocations \(state.revocations.map(\.credential.value.text))"
        case .runHooks(let hooks, _): "run \(hooks.count) hooks"
        case .answer(let request, .changed(let failure)):
            "answer \(request.id): \(failure?.message ?? "ok")"
        case .answer(let request, .revocation(let revocation)):
            "answer \(request.id): \(revocation.words)"
        case .log(let note): "log \(note.words)"
        case .deliver, .expire, .withdraw, .revoke, .close: word
        }
    }
}

extension AccountLife.Revocation {
    fileprivate var words: String {
        switch self {
        case .revoked: "revoked"
        case .nothing: "nothing to revoke"
        case .failed(let failure): failure.message
        }
    }
}

extension AccountLife.Note {
    fileprivate var words: String {
        switch self {
        case .adopted(let credential): "adopted \(credential.value.text)"
        case .refreshed(let credential, let proof):
            "refreshed \(credential.value.text)" + (proof.map { " from \($0.source)" } ?? "")
        case .refreshFailed(let failure, let pause):
            "refresh failed: \(failure.message); again in \(pause.short) s"
        case .willExpire(let credential): "\(credential.value.text) will expire"
        case .expired: "expired"
        case .warning(let text, let path): "warning \(text)" + (path.map { " at \($0)" } ?? "")
        case .delivered(let path): "delivered to \(path)"
        case .outputFailed(let failure, let path): "\(path) failed: \(failure.message)"
        case .outputRemoved(let path): "\(path) removed"
        case .outputLeft(let path): "\(path) left as it is"
        case .hookFailed(let failure): "hook failed: \(failure.message)"
        case .hooksDone: "hooks done"
        case .revoked(let account): "revoked one of \(account.project)"
        case .revocationFailed(let failure): "revocation failed: \(failure.message)"
        case .notKept(let problem): "not kept: \(problem)"
        case .kept: "kept"
        case .changePending: "another version is tried"
        case .changeFailed(let failure, let pause):
            "the other version failed: \(failure.message); again in \(pause.short) s"
        case .changed(let account): "changed to \(account.project) \(account.variable)"
        }
    }
}
