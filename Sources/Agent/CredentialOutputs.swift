package import Federation
import Kernel
package import Outputs

/// An account's outputs as the loop sees them; the live ones are ``OutputSet``.
package protocol CredentialOutputs: Sendable {
    /// Has `touched` called when something is done about the outputs, until they are closed: ``look()`` is
    /// to follow. It may be called on any thread, and must not block.
    func listen(_ touched: @escaping @Sendable () -> Void)

    /// Looks whether an output does not hold any more what was delivered, by the hand of somebody else;
    /// then ``deliver(_:)`` is to follow, and another look.
    func look() async -> Bool

    /// Tries every output; one that fails does not stop the others. What holds this credential already is
    /// left alone.
    func deliver(_ credential: Credential) async -> [OutputReport]

    /// The delivered credential has expired: outputs that are to go, go.
    /// Only what was removed, or could not be, is reported.
    func expire() async -> [OutputReport]

    /// The credential is about to be revoked: no output is to hold it any longer, whatever its file's
    /// `onExpiry` says. Only what was removed, or could not be, is reported.
    func withdraw() async -> [OutputReport]

    /// What the sockets have done so far, by path.
    var socketCounts: [String: SocketCounts] { get }

    /// Removes the files of outputs that the account does not have; for outputs that have been replaced
    /// by the account's, whose credential is about to be revoked. Reports as ``expire()`` does.
    func remove(besides account: Account) async -> [OutputReport]

    /// Closes the sockets and, with `removing`, removes the files.
    @discardableResult
    func close(removing: Bool) async -> [OutputReport]
}

extension CredentialOutputs {
    /// For outputs that know of nothing beyond expiry, and have no sockets.
    package func withdraw() async -> [OutputReport] { await expire() }

    /// For outputs that nobody else can reach.
    package func listen(_ touched: @escaping @Sendable () -> Void) {}

    /// For outputs that nobody else can reach.
    package func look() async -> Bool { false }

    package var socketCounts: [String: SocketCounts] { [:] }

    /// For outputs that are never replaced.
    package func remove(besides account: Account) async -> [OutputReport] { [] }
}

extension OutputSet: CredentialOutputs {}
