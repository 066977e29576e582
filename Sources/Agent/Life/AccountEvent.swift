package import Federation
package import Kernel
package import Outputs

extension AccountLife {
    /// What the life of an account is told of.
    package indirect enum Event: Sendable {
        /// The first event, with what an earlier run left.
        case started(CredentialKeeper.Kept)
        /// Nothing happened but that time has passed.
        case timePassed
        /// The answer to ``Effect/exchange(_:)``.
        case exchanged(Attempt, JobAnswer<Credential>)
        /// The answer to ``Effect/deliver(_:)``, and how many seconds it took.
        case delivered([OutputReport], seconds: Double)
        /// The answer to ``Effect/expire`` and ``Effect/withdraw``: what was removed, or could not be.
        case withdrawn([OutputReport])
        /// The answer to ``Effect/open(_:replacing:)``.
        case opened(Opening)
        /// The answer to ``Effect/keep(_:)``: why it could not be written, if so.
        case kept(problem: String?)
        /// The answer to ``Effect/runHooks(_:expiresAt:)``.
        case hooksEnded([Failure])
        /// The answer to ``Effect/revoke(_:)``; without a failure the credential is revoked.
        case revocationEnded(RevocationQueue.Entry, Failure?)
        /// The answer to ``Effect/close(removing:)``.
        case closed([OutputReport])
        /// The account file holds this now.
        case fileChanged(Account, Request)
        /// The account file holds no usable account any more.
        case fileBroken
        /// Somebody changed what is delivered.
        case outputsTouched
        /// A refresh is wanted, so many seconds from now.
        case refreshRequested(delay: Double)
        /// The file that the source reads the subject token from may hold another one.
        case tokenFileChanged
        case revocationRequested(Request)
        /// The wall clock was set, or the machine has resumed.
        case clockChanged
        /// The end is near; what runs is being cancelled. With `forGood` the account is gone.
        case stopRequested(forGood: Bool)
        /// Nothing runs any more: the last things may be done.
        case stopped
    }

    /// What is to be done outside, each answered by an event unless it says otherwise.
    package indirect enum Effect: Sendable {
        /// An exchange for that version of the account.
        case exchange(Attempt)
        /// Delivery to every output.
        case deliver(Credential)
        /// The credential has expired: each output does what it is configured to do.
        case expire
        /// No output may hold the credential any longer.
        case withdraw
        /// The outputs of this version in place of the present ones, which are opened again if the new
        /// ones cannot be. Files that the new version does not write are removed where the credential in
        /// them is to be revoked.
        case open(Account, removingOthers: Bool)
        /// The present state, for the next run.
        case keep(State)
        case runHooks([RefreshHook], expiresAt: WallTime)
        case revoke(RevocationQueue.Entry)
        /// The sockets are closed and, with `removing`, the files removed.
        case close(removing: Bool)
        /// Tells who asked. No event follows.
        case answer(Request, Answer)
        /// A line of the log. No event follows.
        case log(Note)
    }

    /// One exchange, under one version of the account file.
    package struct Attempt: Sendable {
        package let id: Int
        package let account: Account
        package let start: BootInstant
    }

    /// What came of opening the outputs of another version.
    package enum Opening: Sendable {
        /// With what became of the files that were to be removed.
        case opened([OutputReport])
        /// The new ones could not be opened; the old ones are in place again.
        case reverted(Failure)
        /// Neither could be.
        case lost(Failure)
    }

    /// What is kept for the next run.
    package struct State: Sendable {
        package let account: Account
        package let credential: Credential?
        package let revocations: [RevocationQueue.Entry]
    }

    /// Who waits for an answer.
    package struct Request: Hashable, Sendable {
        package let id: Int

        package init(id: Int) {
            self.id = id
        }
    }

    /// What whoever made a request is told.
    package enum Answer: Sendable {
        /// The version is in force, is being tried, or cannot be used for that reason.
        case changed(Failure?)
        case revocation(Revocation)
    }

    /// What came of a revocation that was asked for.
    package enum Revocation: Sendable {
        case revoked
        /// There was no credential, or it had expired.
        case nothing
        /// It still lives; where trying again may help, that goes on.
        case failed(Failure)
    }

    /// What is worth a line in the log.
    package enum Note: Sendable {
        case adopted(Credential)
        case refreshed(Credential, JobResult.Proof?)
        case refreshFailed(Failure, retryIn: Double)
        /// The source cannot give another token.
        case willExpire(Credential)
        case expired
        case warning(String, path: String?)
        case delivered(path: String)
        case outputFailed(Failure, path: String)
        /// The account has that output no more; its file is gone, for its credential is to be revoked.
        case outputRemoved(path: String)
        /// The account has that output no more; its file stays as it is.
        case outputLeft(path: String)
        case hookFailed(Failure)
        case hooksDone
        case revoked(Account)
        case revocationFailed(Failure)
        case notKept(String)
        case kept
        /// A version with another identity is tried beside the one in force.
        case changePending
        case changeFailed(Failure, retryIn: Double)
        /// A version is in force now.
        case changed(Account)
    }
}
