package import Federation
internal import Outputs
internal import Platform
import Synchronization

extension AccountLoop {
    /// What came of ``revoke()``.
    package enum Revocation: Sendable {
        case revoked
        /// There was no credential, or it had expired.
        case nothing
        /// It still lives; where trying again may help, that goes on.
        case failed(Failure)
    }

    /// Revokes the present credential, outputs emptied first, and has a new one obtained.
    package func revoke() async -> Revocation {
        guard account.service.canRevoke else {
            let text = "\(account.service.name) cannot revoke credentials"
            return .failed(
                Failure(
                    .misconfigured,
                    at: .revoke,
                    text,
                    hint: "they end by themselves when they expire"
                )
            )
        }
        let entry = await outputsLock.withLock { () -> RevocationQueue.Entry? in
            guard let entry = surrender() else { return nil }
            await reportRemovals(outputs.withdraw())
            return entry
        }
        guard let entry else { return .nothing }
        await persist()
        let failure = await revoke(entry)
        refresh()
        return failure.map(Revocation.failed) ?? .revoked
    }

    /// Takes the credential out of use, for a revocation that begins now.
    private func surrender() -> RevocationQueue.Entry? {
        let now = around.timekeeper.now
        let own = account
        return state.withLock { state in
            guard state.phase(at: now) == .valid else { return nil }
            let owner = state.owner ?? own
            guard let credential = state.surrender() else { return nil }
            state.revocations.add(credential, of: owner, due: now)
            return state.revocations.take(credential, at: now)
        }
    }

    /// Revokes what has been superseded, each when it is due.
    func revokeSuperseded() async {
        while !Task.isCancelled {
            let now = around.timekeeper.now
            if let entry = state.withLock({ $0.revocations.take(at: now) }) {
                _ = await revoke(entry)
            } else {
                let next = state.withLock(\.revocations.nextEvent)
                await revocationBell.wait(until: next, on: around.timekeeper)
            }
        }
    }

    /// The end for good: where the account asks for it, the credential and those before it are revoked,
    /// outputs removed first. Takes no longer than a job may, and fails nothing.
    func finish() async {
        guard account.revokesOnExit(ofCommand: false), endsForGood else {
            await outputs.close(removing: false)
            return
        }
        await reportRemovals(outputs.close(removing: true))
        let now = around.timekeeper.now
        let own = account
        state.withLock { state in
            let owner = state.owner ?? own
            if state.phase(at: now) == .valid, let credential = state.surrender() {
                state.revocations.add(credential, of: owner)
            }
            state.revocations.hasten(at: now)
        }
        // Should this be the end, too: the next run finds what is left to do.
        await persist()
        await withDiscardingTaskGroup { group in
            while let entry = state.withLock({ $0.revocations.take(at: now) }) {
                group.addTask { _ = await self.revoke(entry) }
            }
        }
    }

    /// Revokes one that has been taken from the queue.
    private func revoke(_ entry: RevocationQueue.Entry) async -> Failure? {
        let result = await around.worker.run(
            .revoke(entry.credential.value),
            for: entry.account
        )
        let name = account.name
        switch result.outcome {
        case .revoked:
            state.withLock { $0.revocations.succeed(entry.id) }
            around.log.end(.revocationFailed, about: name)
            around.log(.info, .revoked, ["account": name, "service": account.service.name])
            await persist()
            around.onChange()
            return nil
        case .failure(let failure):
            if Task.isCancelled {
                state.withLock { $0.revocations.release(entry.id) }
                return failure
            }
            let (now, chance) = (around.timekeeper.now, around.chance())
            state.withLock { $0.revocations.fail(entry.id, failure, at: now, chance: chance) }
            around.log(
                .warning,
                .revocationFailed,
                about: name,
                [
                    "account": name, "class": failure.class.rawValue, "error": failure.message,
                    "hint": failure.hint,
                ]
            )
            revocationBell.ring()
            around.onChange()
            return failure
        case .credential, .subjectToken, .steps, .data:
            state.withLock { $0.revocations.release(entry.id) }
            return Failure(.transient, at: .worker, "the worker answered something else")
        }
    }

    private func reportRemovals(_ reports: [OutputReport]) {
        for report in reports {
            guard let failure = report.failure else { continue }
            around.log(
                .error,
                .outputFailed,
                about: "\(account.name) \(report.output.path)",
                [
                    "account": account.name, "path": report.output.path,
                    "error": failure.message,
                ]
            )
        }
    }
}
