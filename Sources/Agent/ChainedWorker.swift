package import Federation
package import Kernel
import Text

/// A worker that hands over the credentials of the accounts that a job's token sources name.
package struct ChainedWorker: ExchangeWorker {
    /// That account's credential, as the account that uses it may have it.
    package typealias Lookup =
        @Sendable (_ name: String, _ role: TokenRole, _ user: Account) async
        -> Result<Secret, Failure>

    private let worker: any ExchangeWorker
    private let lookup: Lookup
    private let onCredential: @Sendable (_ name: String) -> Void

    /// - Parameter onCredential: called when an account has got a new credential.
    package init(
        _ worker: any ExchangeWorker,
        onCredential: @escaping @Sendable (_ name: String) -> Void = { _ in },
        lookup: @escaping Lookup
    ) {
        self.worker = worker
        self.onCredential = onCredential
        self.lookup = lookup
    }

    package func run<Value>(
        _ request: JobRequest<Value>,
        for account: Account,
        within seconds: Double
    ) async -> JobAnswer<Value> {
        let ready: Account
        switch await handingOver(request.kind, account).value {
        case .success(let account): ready = account
        case .failure(let failure): return .failure(failure)
        }
        let answer = await worker.run(request, for: ready, within: seconds)
        if case .exchange = request.kind, case .success = answer.outcome {
            onCredential(account.name)
        }
        return answer
    }

    /// The account with the credentials of those that its token sources name. Not inlined: its frame would stand
    /// in memory once for each account that waits for a worker.
    @inline(never)
    private func handingOver(
        _ kind: Job.Kind,
        _ account: Account
    ) async -> Boxed<Result<Account, Failure>> {
        var account = account
        for role in TokenRole.allCases where kind.uses(role) {
            guard let name = account.chainedAccounts[role] else { continue }
            switch await lookup(name, role, account) {
            case .success(let token): account = account.handing(over: token, as: role)
            case .failure(let failure): return Boxed(.failure(failure))
            }
        }
        return Boxed(.success(account))
    }
}

extension Job.Kind {
    /// Whether a job of this kind gets a token of that role.
    fileprivate func uses(_ role: TokenRole) -> Bool {
        switch self {
        case .exchange, .probe: true
        case .subjectToken, .claims: role == .subject
        case .revoke, .graphQL, .secret: false
        }
    }
}

extension Board {
    /// Seconds for which an account waits for the one whose credential it uses.
    private static let chainPatience = 20.0

    /// The present credential of an account, for the one that uses it. Waits for it a while.
    ///
    /// The failure is passing, and does not repeat why that account has none: its own log tells.
    func credential(
        of name: String,
        as role: TokenRole,
        for user: Account
    ) async -> Result<Secret, Failure> {
        let deadline = timekeeper.now.advanced(bySeconds: Self.chainPatience)
        var found: Secret?
        _ = await wait(until: deadline) {
            found = loops.first { $0.name == name }?
                .ask { $0.credential(for: user, as: role, at: timekeeper.now) }
            return found != nil
        }
        if let found { return .success(found) }
        return .failure(
            Failure(
                .transient,
                at: .subjectToken,
                "account: the account \"\(name)\", whose credential is \(role.title), has none",
                hint: "see wif-agent status \(name)"
            )
        )
    }

    /// Has the accounts that wait for this one's credential try again at once.
    func hastenUsers(of name: String) {
        for loop in loops
        where loop.ask({ life in
            life.lastFailure != nil && life.account.chainedAccounts.values.contains(name)
        }) {
            loop.refresh()
        }
    }
}

extension AccountLife {
    /// The credential for an account that uses it: valid, and of the identity that belongs to that one's.
    fileprivate func credential(
        for user: Account,
        as role: TokenRole,
        at now: BootInstant
    ) -> Secret? {
        guard phase(at: now) == .valid, account.identity == user.chainedIdentities[role] else {
            return nil
        }
        return credential?.value
    }
}
