internal import Federation
internal import Kernel
internal import Outputs
package import Text

extension Board {
    /// The agent's status, as `/status` and `wif-agent status --json` give it.
    package func statusReport() -> JSON {
        let now = timekeeper.now
        return [
            "version": .string(programVersion),
            "pid": .integer(Int64(processID)),
            "ready": .bool(isReady),
            "revision": .integer(revision),
            "accounts": .array(loops.map { status(of: $0, at: now) }),
            "rejected": .array(
                rejections.map { rejection in
                    .object([
                        "file": .string(rejection.path),
                        "error": .string(rejection.failure.message),
                        "hint": rejection.failure.hint.map(JSON.string) ?? .null,
                    ])
                }
            ),
        ]
    }

    private func status(of loop: AccountLoop, at now: BootInstant) -> JSON {
        let state = loop.snapshot
        let account = state.account
        let credential = state.credential
        let date = { (instant: BootInstant) -> JSON in
            let seconds = instant.seconds(since: now)
            return .string(rfc3339(self.timekeeper.wallClock.advanced(bySeconds: seconds)))
        }
        var members: [String: JSON] = [
            "account": .string(account.name), "file": .string(account.path),
            "service": .string(account.service.name),
            "source": .string(state.proof?.source ?? account.tokenSource.name),
            "state": .string(state.phase(at: now).rawValue),
            "ready": .bool(state.isReady(at: now)),
            "refreshes": .integer(Int64(state.refreshes)),
            "hook_runs": .integer(Int64(state.hookRuns)),
            "hook_failures": .integer(Int64(state.hookFailures)),
            "failures_in_a_row": .integer(Int64(state.failuresInARow)),
            "next_action": .string(nextAction(state)), "next_reason": .string(state.nextReason),
            "next_at": date(state.nextAttempt),
            "next_in": .integer(Int64(max(0, state.nextAttempt.seconds(since: now)).rounded())),
            "outputs": .array(outputs(of: state)),
            "warnings": .array(account.warnings.map(JSON.string)),
        ]
        members["issuer"] = (state.proof?.issuer ?? account.issuer).map(JSON.string)
        members["subject"] = state.proof?.subject.map(JSON.string)
        members["renewable"] = state.proof.map { .bool($0.isRenewable) }
        members["clock_skew"] = state.clockSkew.map(JSON.number)
        members["revocations"] = state.revocations.report
        if let credential {
            members["issued_at"] = .string(rfc3339(credential.issuedAt))
            members["expires_at"] = .string(rfc3339(credential.expiresAt))
            members["expires_in"] = .integer(Int64(credential.expiry.seconds(since: now)))
            members["lifetime"] = .integer(Int64(credential.lifetime))
        }
        members["last_failure"] = state.lastFailure.map(report)
        members["last_hook_failure"] = state.lastHookFailure?.json
        members["pending_change"] = state.candidate.map { change($0.account, $0.pace, at: now) }
        return .object(members)
    }

    /// The version of the file that is tried beside the one in force.
    private func change(_ account: Account, _ pace: AttemptPace, at now: BootInstant) -> JSON {
        let wait = pace.next.seconds(since: now)
        var members: [String: JSON] = [
            "service": .string(account.service.name),
            "next_at": .string(rfc3339(timekeeper.wallClock.advanced(bySeconds: wait))),
            "next_in": .integer(Int64(max(0, wait).rounded())),
            "attempting": .bool(pace.running != nil),
        ]
        members["last_failure"] = pace.lastFailure.map(report)
        return .object(members)
    }

    private func report(_ past: AttemptPace.PastFailure) -> JSON {
        guard case .object(var failure) = past.failure.json else { return .null }
        let age = timekeeper.wallClock.seconds(since: past.date)
        failure["at"] = .string(rfc3339(past.date))
        failure["seconds_ago"] = .integer(Int64(max(0, age)))
        return .object(failure)
    }

    private func nextAction(_ state: AccountLife) -> String {
        if state.isAttempting { return "refreshing" }
        if state.lastFailure != nil { return "retry" }
        return state.credential == nil ? "first exchange" : "refresh"
    }

    private func outputs(of state: AccountLife) -> [JSON] {
        state.outputs.map { report in
            var members: [String: JSON] = [
                "path": .string(report.output.path), "format": .string(report.output.word),
                "content": .string(report.output.format.rawValue),
                "ok": .bool(report.failure == nil),
            ]
            members["error"] = report.failure.map { .string($0.message) }
            guard report.output.secret == nil else { return .object(members) }
            do throws(Errno) {
                let found = try FileFacts(at: report.output.path)
                members["mode"] = .string(found.modeText)
                members["owner"] = .string(userDescription(found.owner))
                members["group"] = .string(groupDescription(found.group))
            } catch {
                // What systemd handed over has no path of its own.
                members["found"] = .string(error.description)
            }
            return .object(members)
        }
    }
}

extension RevocationQueue {
    /// `nil` where nothing has been or is to be revoked.
    fileprivate var report: JSON? {
        guard revoked + failures + count > 0 else { return nil }
        var members: [String: JSON] = [
            "revoked": .integer(Int64(revoked)), "failures": .integer(Int64(failures)),
            "pending": .integer(Int64(count)),
        ]
        members["error"] = lastFailure.map { .string($0.message) }
        return .object(members)
    }
}
