package import Federation
import Synchronization
import Text

/// Has a worker change the Secrets of one account. It knows under which identities the account has written
/// there before, so that an edited account may replace its own credential.
package final class SecretApplier: Sendable {
    private let worker: any ExchangeWorker
    /// By the Secret's place.
    private let identities = Mutex<[String: [String]]>([:])

    package init(_ worker: any ExchangeWorker) {
        self.worker = worker
    }

    /// Makes a change; answers what the reader should know.
    package func apply(
        _ change: SecretChange,
        for account: Account
    ) async -> Result<[String], Failure> {
        let place = change.secret.place
        let former = identities.withLock { $0[place] ?? [] }
        let answer = await worker.run(.secret(change.following(former)), for: account)
        switch answer.outcome {
        case .success:
            if case .write = change.action, !former.contains(change.identity) {
                identities.withLock { $0[place, default: []].append(change.identity) }
            }
            return .success(answer.warnings)
        case .failure(var failure):
            // A worker that died, a job that took too long: nothing was delivered.
            failure.step = .output
            failure.message = "secret \(place.printable): \(failure.message)"
            return .failure(failure)
        }
    }
}
