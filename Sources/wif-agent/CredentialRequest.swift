import Agent
import Federation
import Kernel
import Text

/// One credential of an account, for a command that hands it on: a running agent's where one serves the
/// account file, else that of an exchange of its own.
struct CredentialRequest {
    let account: Account
    /// Seconds to try for, from `start` on.
    let timeout: Double
    let start: BootInstant
    /// Whether running agents are left out.
    var isFresh = false
    /// Seconds that the credential must have left.
    var minimumLeft = 0.0

    /// The credential, and whether it is an own one, which no agent knows.
    /// - Throws: ``CommandFailure``, ``UsageError``.
    func run(
        _ invocation: Invocation
    ) async throws -> (credential: Credential, isOwn: Bool) {
        do {
            return try await found(invocation)
        } catch let error as CommandFailure {
            throw AccountChoice.naming(error, invocation)
        }
    }

    private func found(
        _ invocation: Invocation
    ) async throws -> (credential: Credential, isOwn: Bool) {
        if !isFresh, let credential = try await agentsCredential(invocation) {
            return (try checked(credential), false)
        }
        let result = try await DirectExchange.run(
            .exchange,
            for: account,
            timeout: timeout,
            since: start,
            invocation
        )
        return (try checked(try result.get()), true)
    }

    private func checked(_ credential: Credential) throws(CommandFailure) -> Credential {
        let left = credential.expiry.seconds(since: .now)
        guard left < minimumLeft else { return credential }
        throw CommandFailure(.shortLived(left: left, wanted: minimumLeft))
    }

    /// The credential of a running agent that serves the account; `nil` where none does.
    private func agentsCredential(_ invocation: Invocation) async throws -> Credential? {
        let agents = runningAgents(invocation)
        guard timeout > 0 else {
            return try await agents.credential(of: account, leaving: minimumLeft, wait: 0)
        }
        let (account, minimumLeft, wait) = (account, minimumLeft, DirectExchange.share(of: timeout))
        let end = start.advanced(bySeconds: timeout)
        let notice = WaitNotice("\(account.name): the running agent, which has no credential yet")
        let answer = await notice.during {
            await before(end, on: SystemTimekeeper()) {
                () async -> Result<Credential?, CommandFailure> in
                do throws(CommandFailure) {
                    return .success(
                        try await agents.credential(of: account, leaving: minimumLeft, wait: wait)
                    )
                } catch {
                    return .failure(error)
                }
            }
        }
        guard let answer else {
            throw CommandFailure(
                Failure(
                    .transient,
                    at: .worker,
                    "the agent gave no answer within the \(timeout.formatted) s of --timeout",
                    hint: "wif-agent status shows whether it answers; get --fresh does without it"
                )
            )
        }
        return try answer.get()
    }
}

extension Failure {
    fileprivate static func shortLived(left: Double, wanted: Double) -> Failure {
        Failure(
            .misconfigured,
            at: .exchange,
            "a new credential has \(Int(max(0, left))) s left, less than the \(Int(wanted)) s of"
                + " --min-lifetime",
            hint: "have the service give longer ones, or ask for less"
        )
    }
}
