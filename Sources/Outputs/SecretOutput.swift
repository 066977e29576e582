package import Federation
import Kernel
import Synchronization

/// A key of a cluster's Secret that holds the newest credential. Somebody else reaches the cluster: it asks.
package final class SecretOutput: Sendable {
    /// Has a change of a cluster's Secret made, by somebody who reaches the cluster.
    ///
    /// Returns what the reader should know, ready to print.
    package typealias Apply =
        @Sendable (SecretChange, _ account: Account) async -> Result<[String], Failure>

    private let account: Account
    private let secret: KubernetesSecret
    private let apply: Apply
    /// Of the credential that was written last, or may have been.
    private let written = Mutex<(issuedAt: WallTime, expiresAt: WallTime)?>(nil)

    init(_ secret: KubernetesSecret, of account: Account, apply: @escaping Apply) {
        self.secret = secret
        self.account = account
        self.apply = apply
    }

    /// Puts the bytes of a credential under the key.
    func write(_ contents: Secret, of credential: Credential) async -> Result<[String], Failure> {
        let dates = (issuedAt: credential.issuedAt, expiresAt: credential.expiresAt)
        // One that fails may have been written all the same.
        written.withLock { $0 = dates }
        return await apply(change(.write(contents), dates), account)
    }

    /// Takes the credential that was written last away again; what a later one of the account or somebody
    /// else has put there stays.
    func remove() async -> Failure? {
        guard let dates = written.withLock(\.self) else { return nil }
        switch await apply(change(.remove, dates), account) {
        case .success:
            written.withLock { $0 = nil }
            return nil
        case .failure(let failure): return failure
        }
    }

    private func change(
        _ action: SecretChange.Action,
        _ dates: (issuedAt: WallTime, expiresAt: WallTime)
    ) -> SecretChange {
        SecretChange(
            action,
            secret,
            of: account,
            issuedAt: dates.issuedAt,
            expiresAt: dates.expiresAt
        )
    }
}
