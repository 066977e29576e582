import Federation
import Kernel
import Outputs

extension Board {
    /// The agent's status as it is now.
    package func statusReport() -> AgentStatus {
        let now = timekeeper.now
        var status = AgentStatus()
        status.version = programVersion
        status.processID = Int(processID)
        status.isReady = isReady
        status.revision = Int(revision)
        status.accounts = loops.map { loop in
            var status = self.status(of: loop.snapshot, at: now)
            let counts = loop.socketCounts
            for index in status.outputs.indices {
                let refusal = counts[status.outputs[index].path]?.lastRefusal
                status.outputs[index].lastRefusal = refusal.map(RefusalStatus.init)
            }
            return status
        }
        status.rejected = rejections.map { rejection in
            var file = RejectedFile()
            (file.file, file.error) = (rejection.path, rejection.failure.message)
            file.hint = rejection.failure.hint
            return file
        }
        return status
    }

    private func status(of state: AccountLife, at now: BootInstant) -> AccountStatus {
        let account = state.account
        let wait = state.nextAttempt.seconds(since: now)
        var status = AccountStatus()
        (status.name, status.file) = (account.name, account.path)
        status.service = account.service.name
        status.source = state.proof?.source ?? account.tokenSource.name
        status.issuer = state.proof?.issuer ?? account.issuer
        status.subject = state.proof?.subject
        status.isRenewable = state.proof?.isRenewable
        status.phase = state.phase(at: now)
        status.isReady = state.isReady(at: now)
        status.refreshes = state.refreshes
        (status.hookRuns, status.hookFailures) = (state.hookRuns, state.hookFailures)
        status.failuresInARow = state.failuresInARow
        (status.nextAction, status.nextReason) = (nextAction(state), state.nextReason)
        status.nextDate = timekeeper.wallClock.advanced(bySeconds: wait)
        status.nextIn = max(0, wait).rounded()
        status.clockSkew = state.clockSkew
        if let credential = state.credential {
            (status.issueDate, status.expiryDate) = (credential.issuedAt, credential.expiresAt)
            status.expiresIn = credential.expiry.seconds(since: now)
            status.lifetime = credential.lifetime
        }
        status.outputs = state.outputs.map(OutputStatus.init)
        status.warnings = account.warnings.map(\.text)
        status.revocations = state.revocations.status
        status.lastFailure = state.lastFailure.map(past)
        status.lastHookFailure = state.lastHookFailure.map { FailureStatus($0) }
        status.pendingChange = state.candidate.map { change($0.account, $0.pace, at: now) }
        return status
    }

    private func change(
        _ account: Account,
        _ pace: AttemptPace,
        at now: BootInstant
    ) -> ChangeStatus {
        let wait = pace.next.seconds(since: now)
        var status = ChangeStatus()
        status.service = account.service.name
        status.nextDate = timekeeper.wallClock.advanced(bySeconds: wait)
        status.nextIn = max(0, wait).rounded()
        status.isAttempting = pace.running != nil
        status.lastFailure = pace.lastFailure.map(past)
        return status
    }

    private func past(_ past: AttemptPace.PastFailure) -> FailureStatus {
        var status = FailureStatus(past.failure)
        status.date = past.date
        status.secondsAgo = max(0, timekeeper.wallClock.seconds(since: past.date))
        return status
    }

    private func nextAction(_ state: AccountLife) -> AccountStatus.Action {
        if state.isAttempting { return .refreshing }
        if state.lastFailure != nil { return .retry }
        return state.credential == nil ? .firstExchange : .refresh
    }
}

extension OutputStatus {
    fileprivate init(_ report: OutputReport) {
        (path, format) = (report.output.path, report.output.word)
        content = report.output.format.rawValue
        isWell = report.failure == nil
        error = report.failure?.message
        guard report.output.secret == nil else { return }
        do throws(Errno) {
            let found = try FileFacts(at: report.output.path)
            mode = found.modeText
            (owner, group) = (userDescription(found.owner), groupDescription(found.group))
        } catch {
            // What systemd handed over has no path of its own.
            finding = error.description
        }
    }
}

extension RefusalStatus {
    fileprivate init(_ refusal: SocketRefusal) {
        (user, error, hint) = (userDescription(refusal.uid), refusal.reason, refusal.hint)
        date = refusal.date
    }
}

extension RevocationQueue {
    /// `nil` where nothing has been or is to be revoked.
    fileprivate var status: RevocationStatus? {
        guard revoked + failures + count > 0 else { return nil }
        var status = RevocationStatus()
        (status.revoked, status.failures, status.pending) = (revoked, failures, count)
        status.error = lastFailure?.message
        return status
    }
}
