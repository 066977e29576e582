import Federation
package import Kernel
import Outputs

extension AccountLife {
    /// Takes an event in and answers what is to be done.
    ///
    /// - Parameters:
    ///   - date: the wall clock's, for display.
    ///   - chance: a number in 0..<1, drawn anew for each event.
    package mutating func handle(
        _ event: Event,
        at now: BootInstant,
        date: WallTime,
        chance: Double
    ) -> [Effect] {
        var turn = Turn(now: now, date: date, chance: chance)
        switch event {
        case .started(let kept):
            hasStarted = true
            adopt(kept, &turn)
        case .timePassed: break
        case .exchanged(let attempt, let result): end(attempt, result, &turn)
        case .delivered(let reports, let seconds): record(reports, seconds, &turn)
        case .withdrawn(let reports): recordWithdrawal(reports, &turn)
        case .opened(let opening): endSwitch(opening, &turn)
        case .kept(let problem): recordKeeping(problem, &turn)
        case .hooksEnded(let failures): recordHooks(failures, &turn)
        case .revocationEnded(let entry, let failure): endRevocation(entry, failure, &turn)
        case .closed(let reports): recordClosing(reports, &turn)
        case .fileChanged(let account, let request): change(to: account, request, &turn)
        case .fileBroken:
            answerPendingChange(&turn)
            dropCandidate()
        case .outputsTouched: repair(&turn)
        case .refreshRequested(let delay): refresh(after: delay, &turn)
        case .tokenFileChanged:
            pace.noteNewToken(at: turn.now, lastAttempt: lastAttempt)
            candidate?.pace.noteNewToken(at: turn.now, lastAttempt: lastAttempt)
        case .revocationRequested(let request): beginSurrender(request, &turn)
        case .clockChanged: lookAgain(&turn)
        case .stopRequested(let forGood): ending = .stopping(forGood: forGood)
        case .stopped: close(&turn)
        }
        beginWhatIsDue(&turn)
        return turn.effects
    }

    /// The moment of an event, and what has come of it so far.
    struct Turn {
        let now: BootInstant
        let date: WallTime
        let chance: Double
        var effects: [Effect] = []

        mutating func log(_ note: Note) { effects.append(.log(note)) }

        mutating func answer(_ request: Request, _ failure: Failure?) {
            effects.append(.answer(request, .changed(failure)))
        }
    }

    // MARK: Start

    /// Contract: at start a kept credential of the same boot and the same account is delivered again; no
    /// exchange until its own refresh is due. Whatever else was kept still has to be revoked.
    private mutating func adopt(_ kept: CredentialKeeper.Kept, _ turn: inout Turn) {
        if revokesSuperseded {
            for (credential, owner) in kept.superseded { revocations.add(credential, of: owner) }
        }
        guard let credential = kept.credential else { return }
        accept(credential, turn.now)
        // It is in the kept state already.
        keptRevision = revision
        pace.succeed(with: credential, chance: turn.chance, lastAttempt: nil)
        hookedSerial = serial
        turn.log(.adopted(credential))
    }

    /// The credential is the present one from here on.
    private mutating func accept(_ credential: Credential, _ now: BootInstant) {
        // Old reports describe the expired credential.
        if !isValid(at: now) { outputs = [] }
        self.credential = credential
        revocations.forget(credential)
        serial += 1
        nextDelivery = now
        noteChange()
        credentialRevision = revision
    }

    private mutating func noteChange() { revision += 1 }

    // MARK: Attempts

    private mutating func end(
        _ attempt: Attempt,
        _ result: JobAnswer<Credential>,
        _ turn: inout Turn
    ) {
        if abandoned.removeValue(forKey: attempt.id) != nil {
            return dispose(of: result, attempt.account, due: turn.now)
        }
        let isOfCandidate = candidate?.pace.running?.id == attempt.id
        guard isOfCandidate || pace.running?.id == attempt.id else { return }
        defer { if !isAttempting { revokedMeanwhile = [] } }
        attemptDurations.observe(turn.now.seconds(since: attempt.start))
        for warning in result.warnings { turn.log(.warning(warning, path: nil)) }
        switch result.outcome {
        case .success(let credential):
            if isStopping { return dispose(of: result, attempt.account, due: turn.now) }
            if isTakenBack(credential) {
                fail(.givenAgain, isOfCandidate: isOfCandidate, &turn)
            } else if isOfCandidate {
                beginSwitch(credential, result)
            } else {
                succeed(with: credential, result, &turn)
            }
        case .failure(let failure): fail(failure, isOfCandidate: isOfCandidate, &turn)
        }
    }

    /// Contract: a working credential is kept until a better one has been delivered; one that was
    /// superseded is revoked once every output holds its successor.
    private mutating func succeed(
        with credential: Credential,
        _ result: JobAnswer<Credential>,
        _ turn: inout Turn
    ) {
        // A service may give the same one again; its own successor is not superseded.
        if self.credential?.value.isEqual(to: credential.value) != true { supersede(at: turn.now) }
        accept(credential, turn.now)
        proof = result.proof
        clockSkew = result.clockSkew
        refreshes += 1
        pace.succeed(with: credential, chance: turn.chance, lastAttempt: lastAttempt)
        turn.log(.refreshed(credential, result.proof))
        if result.proof?.isRenewable == false { turn.log(.willExpire(credential)) }
    }

    /// What follows changes what is kept.
    private mutating func supersede(at now: BootInstant) {
        guard revokesSuperseded, isValid(at: now), let credential else { return }
        revocations.add(credential, of: account)
    }

    /// A service may give a credential again. Contract: what an output holds is not revoked, so what is
    /// being revoked, or has been since it was given, is not taken.
    private func isTakenBack(_ credential: Credential) -> Bool {
        revocations.isTaken(credential)
            || revokedMeanwhile.contains { $0.value.isEqual(to: credential.value) }
    }

    /// A credential that nobody wants any more still lives at its service.
    private mutating func dispose(
        of result: JobAnswer<Credential>,
        _ owner: Account,
        due: BootInstant?
    ) {
        guard revokesSuperseded, case .success(let credential) = result.outcome,
            !inUse.contains(where: { $0.value.isEqual(to: credential.value) })
        else { return }
        // Outputs to which nothing has been delivered may hold what an agent before this one delivered and
        // forgot, and a service may give just that again.
        revocations.add(credential, of: owner, due: heldSerial > 0 ? due : nil)
        noteChange()
    }

    /// The present credential, and the one that is to come with another version.
    private var inUse: [Credential] {
        var all = [credential, pendingSwitch?.first?.credential].compactMap(\.self)
        if case .opening(let switching)? = outputWork?.work, let first = switching.first {
            all.append(first.credential)
        }
        return all
    }

    private mutating func fail(_ failure: Failure, isOfCandidate: Bool, _ turn: inout Turn) {
        failures[FailureKind(class: failure.class, step: failure.step), default: 0] += 1
        guard isOfCandidate, var failed = candidate?.pace else {
            pace.fail(failure, with: credential, turn)
            return turn.log(.refreshFailed(failure, retryIn: pace.next.seconds(since: turn.now)))
        }
        failed.fail(failure, with: nil, turn)
        candidate?.pace = failed
        turn.log(.changeFailed(failure, retryIn: failed.next.seconds(since: turn.now)))
    }

    /// Contract: `wif-agent refresh` and SIGUSR1 refresh now.
    private mutating func refresh(after delay: Double, _ turn: inout Turn) {
        pace.hasten(at: turn.now, delay: delay, lastAttempt: lastAttempt)
        candidate?.pace.hasten(at: turn.now, delay: delay, lastAttempt: lastAttempt)
    }

    /// Contract: after a resume, or when the wall clock is set, every account is looked at again at once,
    /// spread over 30 s where a refresh follows.
    private mutating func lookAgain(_ turn: inout Turn) {
        guard pace.isDue(at: turn.now) else { return }
        let spread = isValid(at: turn.now) ? 30 * turn.chance : 0
        pace.hasten(at: turn.now, delay: spread, lastAttempt: lastAttempt)
    }

    // MARK: Other versions of the file

    /// Contract: a reload that changes only the rest carries the credential over. One that changes the
    /// identity leaves the last good version wholly in force and tries the new one beside it. Where the
    /// version in force has no valid credential there is nothing to leave in force.
    private mutating func change(to new: Account, _ request: Request, _ turn: inout Turn) {
        answerPendingChange(&turn)
        guard !isStopping else { return turn.answer(request, nil) }
        if outputWork?.work.isOpening == true {
            // What is in force then decides.
            pendingChange = (new, request)
        } else if pendingSwitch?.first != nil, pendingSwitch?.account.identity == new.identity {
            // Where its outputs cannot be opened it is this version that is tried again.
            candidate?.account = new
            pendingSwitch?.account = new
            pendingSwitch?.request = request
        } else if new.document.isEqual(to: account.document), new.path == account.path,
            new.identity == account.identity
        {
            dropCandidate()
            turn.answer(request, nil)
        } else if new.identity == account.identity || !isValid(at: turn.now) {
            dropCandidate()
            pendingSwitch = Switch(account: new, request: request)
        } else {
            tryBeside(new, turn.now)
            turn.log(.changePending)
            turn.answer(request, nil)
        }
    }

    /// A newer version of the file takes the place of one that has not been looked at.
    private mutating func answerPendingChange(_ turn: inout Turn) {
        if let request = pendingChange?.request { turn.answer(request, nil) }
        pendingChange = nil
        if let request = pendingSwitch?.request { turn.answer(request, nil) }
        pendingSwitch?.request = nil
    }

    private mutating func tryBeside(_ new: Account, _ now: BootInstant) {
        if candidate?.account.identity == new.identity {
            candidate?.account = new
        } else {
            dropCandidate()
            candidate = Candidate(account: new, pace: AttemptPace(next: now))
        }
        candidate?.pace.hasten(at: now, lastAttempt: lastAttempt)
    }

    /// Nothing waits to come into force any more; what it has obtained is given back.
    mutating func dropCandidate() {
        if let attempt = candidate?.pace.abandon() { abandoned[attempt.id] = attempt.account }
        candidate = nil
        guard let switching = pendingSwitch else { return }
        pendingSwitch = nil
        giveBack(switching)
    }

    /// The first credential of a version that does not come into force still lives at its service.
    mutating func giveBack(_ switching: Switch) {
        guard let first = switching.first else { return }
        // One that was there before may be in an output until the next delivery.
        let due = switching.isGivenAgain ? nil : first.credential.receivedAt
        dispose(of: first.result, switching.account, due: due)
    }

    /// The new version has its first credential: outputs change hands in one step.
    private mutating func beginSwitch(_ credential: Credential, _ result: JobAnswer<Credential>) {
        guard let account = candidate?.account else { return }
        _ = candidate?.pace.abandon()
        var switching = Switch(account: account, first: (credential, result))
        switching.isGivenAgain = revocations.forget(credential)
        pendingSwitch = switching
    }

    private mutating func endSwitch(_ opening: Opening, _ turn: inout Turn) {
        guard case .opening(let switching)? = outputWork?.work else { return }
        outputWork = nil
        switch opening {
        case .opened(let removed):
            areOutputsOpen = true
            tellDropped(by: switching.account, removed, &turn)
            apply(switching, &turn)
            if let request = switching.request { turn.answer(request, nil) }
        case .reverted(let failure):
            areOutputsOpen = true
            refuse(switching, failure, &turn)
            nextDelivery = turn.now
        case .lost(let failure):
            refuse(switching, failure, &turn)
            areOutputsOpen = false
            outputs = []
            deliveriesFailed += 1
            nextDelivery = turn.now.advanced(bySeconds: deliveryPause(failure, turn.chance))
        }
        if let (account, request) = pendingChange {
            pendingChange = nil
            change(to: account, request, &turn)
        }
    }

    private mutating func apply(_ switching: Switch, _ turn: inout Turn) {
        let isSame = switching.account.identity == account.identity
        if !isSame {
            supersede(at: turn.now)
            if let attempt = pace.abandon() { abandoned[attempt.id] = attempt.account }
            credential = nil
            proof = nil
            clockSkew = nil
            pace = AttemptPace(next: turn.now)
            pace.hasten(at: turn.now, lastAttempt: lastAttempt)
            noteChange()
        } else if switching.account.lifetime != account.lifetime {
            // The present credential's expiry follows the old setting.
            pace.hasten(at: turn.now, lastAttempt: lastAttempt)
        }
        if candidate?.account.identity == switching.account.identity { candidate = nil }
        let isFirst = account.document.isEqual(to: switching.account.document)
        account = switching.account
        outputs = []
        deliveries = [:]
        nextDelivery = turn.now
        if let first = switching.first { succeed(with: first.credential, first.result, &turn) }
        if !isFirst { turn.log(.changed(account)) }
    }

    /// The new version's outputs cannot be opened. What it obtained is given back, and it is tried again
    /// at the pace of failures.
    private mutating func refuse(_ switching: Switch, _ failure: Failure, _ turn: inout Turn) {
        if let request = switching.request { turn.answer(request, failure) }
        guard switching.first != nil else { return }
        giveBack(switching)
        if candidate?.account.identity == switching.account.identity {
            fail(failure, isOfCandidate: true, &turn)
        }
    }
}

extension Failure {
    fileprivate static var givenAgain: Failure {
        Failure(
            .transient,
            at: .exchange,
            "the service gave a credential again that is being revoked",
            hint: "another is asked for until the service gives one"
        )
    }
}
