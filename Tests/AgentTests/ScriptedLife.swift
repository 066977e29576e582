import Federation
import Kernel
import Testing
import Text

@testable import Agent
@testable import Outputs

/// A life that is told things one by one.
struct ScriptedLife {
    var life: AccountLife
    var now = BootInstant(seconds: 1000)
    /// What the last event led to.
    var effects: [AccountLife.Effect] = []
    private var begun: [AccountLife.Attempt] = []

    /// - Parameters:
    ///   - members: what the account file says beyond the usual.
    ///   - starts: without anything kept.
    init(_ members: [String: JSON] = [:], starts: Bool = true) throws {
        life = AccountLife(account: try .revocable(members), revokesSuperseded: true, start: now)
        if starts { tell(.started(CredentialKeeper.Kept())) }
    }

    /// The effects of the last event, in a word or two each.
    var words: [String] { effects.map(\.word) }

    /// The revocation that the last event led to.
    var revocation: RevocationQueue.Entry? {
        effects.lazy.compactMap { if case .revoke(let entry) = $0 { entry } else { nil } }.first
    }

    mutating func at(_ seconds: Double) { now = BootInstant(seconds: seconds) }

    mutating func tell(_ event: AccountLife.Event) {
        effects = life.handle(
            event,
            at: now,
            date: WallTime(secondsSinceEpoch: 1_704_164_645),
            chance: 0.5
        )
        for case .exchange(let attempt) in effects { begun.append(attempt) }
    }

    /// The attempt that began last.
    func attempt() throws -> AccountLife.Attempt { try #require(begun.last) }

    /// An exchange that ends in a credential, which is being delivered then.
    mutating func obtain(_ name: String) {
        tell(.timePassed)
        guard let attempt = begun.last else { return }
        tell(
            .exchanged(attempt, .credential(name, at: now.seconds(since: BootInstant(seconds: 0))))
        )
        tell(.kept(problem: nil))
    }

    func answer(for account: Account) -> Result<Credential, Failure>? {
        life.answer(for: account.document, newerThan: nil, at: now)
    }
}

extension AccountLife.Effect {
    /// The effect in a word or two.
    var word: String {
        switch self {
        case .exchange(let attempt): "exchange \(attempt.account.project)"
        case .deliver(let credential): "deliver \(credential.value.text)"
        case .expire: "expire"
        case .withdraw: "withdraw"
        case .open(let account, _): "open \(account.project)"
        case .keep(let state): "keep \(state.credential?.value.text ?? "nothing")"
        case .runHooks: "hooks"
        case .revoke(let entry): "revoke \(entry.credential.value.text) of \(entry.account.project)"
        case .close(let removing): "close \(removing)"
        case .answer(_, .changed(let failure)): "answer \(failure?.message ?? "ok")"
        case .answer(_, .revocation): "answer"
        case .log: "log"
        }
    }
}

extension Account {
    /// Of a Bright account.
    var project: String {
        guard case .tokenExchange(let service) = service else { return "" }
        return service.resources.first?.split(separator: "/").last.map(String.init) ?? ""
    }
}

extension JobAnswer where Value == Credential {
    static func credential(
        _ name: String,
        at seconds: Double,
        lifetime: Double = 3600
    ) -> JobAnswer {
        let credential = Credential(
            kind: .accessToken(type: "Bearer", scheme: "Bearer"),
            value: Secret(name),
            issuedAt: WallTime(secondsSinceEpoch: 1_704_164_645),
            lifetime: lifetime,
            receivedAt: BootInstant(seconds: seconds)
        )
        return JobAnswer(.success(credential))
    }
}

extension OutputReport {
    static var fine: OutputReport { report(nil) }

    static var broken: OutputReport { report(Failure(.transient, at: .output, "full")) }

    private static func report(_ failure: Failure?) -> OutputReport {
        let output = Output(kind: .file(.raw, FileOptions()), path: "/x")
        return OutputReport(output: output, facts: nil, failure: failure, warnings: [])
    }
}
