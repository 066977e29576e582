import Federation
import Kernel
import Outputs

extension AccountLoop {
    /// Does what takes no time.
    func note(_ effect: AccountLife.Effect) {
        switch effect {
        case .log(let note): log(note)
        case .answer(let request, let answer): requests.resolve(request.id, answer)
        case .exchange, .deliver, .expire, .withdraw, .open, .keep, .runHooks, .revoke, .close:
            break
        }
    }

    // What is done for an effect is not inlined: the frame of this one stands in memory once for each account
    // that waits for a worker, and would have room for all of them.

    /// Does one thing; `nil` where nobody is to be told, as after a cancellation.
    func answer(_ effect: AccountLife.Effect) async -> AccountLife.Event? {
        switch effect {
        case .log, .answer:
            note(effect)
            return nil
        case .exchange(let attempt): return await exchange(attempt)
        case .deliver(let credential): return await deliver(credential)
        case .expire: return .withdrawn(await outputs.present.expire())
        case .withdraw: return .withdrawn(await outputs.present.withdraw())
        case .open(let account, let removingOthers):
            return await open(account, removingOthers: removingOthers)
        case .keep(let state): return .kept(problem: await keep(state))
        case .runHooks(let hooks, let expiresAt): return await run(hooks, expiresAt)
        case .revoke(let entry): return await revoke(entry)
        case .close(let removing): return .closed(await outputs.present.close(removing: removing))
        }
    }

    @inline(never)
    func exchange(_ attempt: AccountLife.Attempt) async -> AccountLife.Event? {
        let answer = await dependencies.worker.run(.exchange, for: attempt.account)
        if Task.isCancelled, case .failure = answer.outcome { return nil }
        return .exchanged(attempt, answer)
    }

    @inline(never)
    private func deliver(_ credential: Credential) async -> AccountLife.Event {
        let start = dependencies.timekeeper.now
        let reports = await outputs.present.deliver(credential)
        return .delivered(reports, seconds: dependencies.timekeeper.now.seconds(since: start))
    }

    @inline(never)
    private func keep(_ state: AccountLife.State) async -> String? {
        guard let keeper else { return nil }
        do {
            // A state directory that was asked for may be on a disk, which takes its time.
            try await offPool { try keeper.keep(state) }
            return nil
        } catch {
            return "\(error)"
        }
    }

    @inline(never)
    private func run(_ hooks: [RefreshHook], _ expiresAt: WallTime) async -> AccountLife.Event? {
        let runner = HookRunner(
            account: name,
            environment: dependencies.environment,
            timekeeper: dependencies.timekeeper
        )
        do { return .hooksEnded(try await runner.run(hooks, expiresAt: expiresAt)) } catch {
            return nil
        }
    }

    @inline(never)
    private func revoke(_ entry: RevocationQueue.Entry) async -> AccountLife.Event? {
        let request = JobRequest.revoke(entry.credential.value)
        switch await dependencies.worker.run(request, for: entry.account).outcome {
        case .success: return .revocationEnded(entry, nil)
        case .failure(let failure):
            return Task.isCancelled ? nil : .revocationEnded(entry, failure)
        }
    }

    /// Puts the outputs of another version in place of the present ones.
    @inline(never)
    private func open(_ account: Account, removingOthers: Bool) async -> AccountLife.Event {
        let old = outputs.present
        let opening = await outputs.replace(with: account, orAgain: self.account)
        guard removingOthers, case .opened = opening else { return .opened(opening) }
        return .opened(.opened(await old.remove(besides: account)))
    }

    /// Looks at the outputs after something was done about them.
    func lookAtOutputs() async {
        if await outputs.look() { tell(.outputsTouched) }
    }
}
