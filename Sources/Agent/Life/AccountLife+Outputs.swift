import Federation
import Kernel
import Outputs

/// What is due, what the outputs answered, revocations, and the end.
extension AccountLife {
    /// Begins everything whose moment has come.
    mutating func beginWhatIsDue(_ turn: inout Turn) {
        guard hasStarted else { return }
        beginKeeping(&turn)
        guard !isStopping else { return }
        beginAttempts(&turn)
        beginOutputWork(&turn)
        beginHooks(&turn)
        beginRevocations(&turn)
    }

    // MARK: Attempts

    private mutating func beginAttempts(_ turn: inout Turn) {
        guard !isSwitching else { return }
        if pace.isDue(at: turn.now) {
            let attempt = newAttempt(account, turn.now)
            pace.begin(attempt)
            candidate?.pace.yield(to: turn.now)
            turn.effects.append(.exchange(attempt))
        }
        if let candidate, candidate.pace.isDue(at: turn.now) {
            let attempt = newAttempt(candidate.account, turn.now)
            self.candidate?.pace.begin(attempt)
            pace.yield(to: turn.now)
            turn.effects.append(.exchange(attempt))
        }
    }

    private mutating func newAttempt(_ account: Account, _ now: BootInstant) -> Attempt {
        attempts += 1
        lastAttempt = now
        return Attempt(id: attempts, account: account, start: now)
    }

    // MARK: Keeping

    private mutating func beginKeeping(_ turn: inout Turn) {
        guard keepingRevision == nil, keptRevision != revision else { return }
        keepingRevision = revision
        let state = State(
            account: account,
            credential: credential,
            revocations: revocations.entries
        )
        turn.effects.append(.keep(state))
    }

    mutating func recordKeeping(_ problem: String?, _ turn: inout Turn) {
        // What could not be kept is not tried again before the next change: all goes on without.
        keptRevision = keepingRevision ?? keptRevision
        keepingRevision = nil
        turn.log(problem.map(Note.notKept) ?? .kept)
        if case .keeping = ending, keptRevision == revision {
            ending = .revoking
            revokeAll(&turn)
        }
    }

    // MARK: Outputs

    /// One thing at a time: what is to be revoked leaves first, then another version comes, then the
    /// credential is delivered, and at last its expiry is told.
    private mutating func beginOutputWork(_ turn: inout Turn) {
        guard outputWork == nil else { return }
        if let surrender, !surrender.isWithdrawn {
            begin(.withdrawing, .withdraw, &turn)
        } else if let switching = pendingSwitch {
            pendingSwitch = nil
            open(switching, &turn)
        } else if !areOutputsOpen, isDeliveryDue(turn.now) {
            open(Switch(account: account), &turn)
        } else if let credential, credential.expiry <= turn.now {
            tellExpiry(&turn)
        } else if let credential, isKept, isDeliveryDue(turn.now) {
            nextDelivery = nil
            lastDelivery = turn.now
            deliveriesBegun += 1
            begin(.delivering(serial: serial), .deliver(credential), &turn)
        }
    }

    private func isDeliveryDue(_ now: BootInstant) -> Bool {
        nextDelivery.map { $0 <= now } ?? false
    }

    /// Contract: at expiry each file output does what its `onExpiry` says; there is nothing to deliver.
    private mutating func tellExpiry(_ turn: inout Turn) {
        if areOutputsOpen { nextDelivery = nil }
        guard expiredSerial != serial else { return }
        expiredSerial = serial
        reportedSerial = serial
        // One that ran out before every output held it has nobody to be told of.
        hookedSerial = serial
        turn.log(.expired)
        begin(.expiring, .expire, &turn)
    }

    private mutating func begin(_ work: OutputWork, _ effect: Effect, _ turn: inout Turn) {
        outputWork = (work, turn.now)
        turn.effects.append(effect)
    }

    private mutating func open(_ switching: Switch, _ turn: inout Turn) {
        let isDropped = !account.files(droppedBy: switching.account).isEmpty
        let removes = isDropped && revokesSuperseded && account.service.canRevoke
        begin(
            .opening(switching),
            .open(switching.account, removingOthers: removes),
            &turn
        )
    }

    /// Contract: outputs are removed before what they hold is revoked, also one that an edit of the account
    /// file has dropped. Where nothing is revoked its file stays, as that of an account that is gone.
    func tellDropped(
        by new: Account,
        _ removed: [OutputReport],
        _ turn: inout Turn
    ) {
        logFailures(removed, &turn)
        for path in account.files(droppedBy: new) {
            let report = removed.first { $0.output.path == path }
            if report == nil { turn.log(.outputLeft(path: path)) }
            if let report, report.failure == nil { turn.log(.outputRemoved(path: path)) }
        }
    }

    /// Contract: an output that failed is tried again, without a new exchange.
    mutating func record(_ reports: [OutputReport], _ seconds: Double, _ turn: inout Turn) {
        guard case .delivering(let delivered)? = outputWork?.work else { return }
        outputWork = nil
        deliveryDurations.observe(seconds)
        for report in reports { count(report, &turn) }
        // A credential that was taken back meanwhile is in no output for long.
        guard delivered == serial, credential != nil else { return }
        outputs = reports
        reportedSerial = serial
        if let touch = lastTouch, deliveriesBegun > touch { lastTouch = nil }
        guard let failure = reports.lazy.compactMap(\.failure).first else {
            deliveriesFailed = 0
            heldSerial = serial
            revocations.release(at: turn.now)
            return
        }
        deliveriesFailed += 1
        let next = turn.now.advanced(bySeconds: deliveryPause(failure, turn.chance))
        nextDelivery = min(next, nextDelivery ?? next)
    }

    private mutating func count(_ report: OutputReport, _ turn: inout Turn) {
        let path = report.output.path
        for warning in report.warnings { turn.log(.warning(warning, path: path)) }
        if let failure = report.failure {
            deliveries[path, default: DeliveryCounts()].failed += 1
            turn.log(.outputFailed(failure, path: path))
        } else {
            deliveries[path, default: DeliveryCounts()].ok += 1
            turn.log(.delivered(path: path))
        }
    }

    /// Seconds until outputs that failed are tried again; a full disk is looked at sooner than a refusal.
    func deliveryPause(_ failure: Failure, _ chance: Double) -> Double {
        var paced = failure
        paced.class = .transient
        return RefreshSchedule.retryDelay(
            after: paced,
            attempt: deliveriesFailed,
            validity: nil,
            chance: chance
        )
    }

    /// Contract: what others change or delete is put back within a second, though never in a hot loop.
    mutating func repair(_ turn: inout Turn) {
        guard isValid(at: turn.now) else { return }
        let floor = lastDelivery?.advanced(bySeconds: 0.5) ?? turn.now
        let due = max(turn.now, floor)
        nextDelivery = min(due, nextDelivery ?? due)
        lastTouch = deliveriesBegun
    }

    mutating func recordWithdrawal(_ reports: [OutputReport], _ turn: inout Turn) {
        if case .withdrawing? = outputWork?.work { surrender?.isWithdrawn = true }
        outputWork = nil
        logFailures(reports, &turn)
    }

    private func logFailures(_ reports: [OutputReport], _ turn: inout Turn) {
        for report in reports {
            if let failure = report.failure {
                turn.log(.outputFailed(failure, path: report.output.path))
            }
        }
    }

    // MARK: Hooks

    /// Contract: hooks run after every output holds a new credential, once for each that was obtained.
    private mutating func beginHooks(_ turn: inout Turn) {
        guard hooksStart == nil, hookedSerial != serial, reportedSerial == serial,
            outputWork == nil, !outputs.contains(where: { $0.failure != nil }), let credential
        else { return }
        hookedSerial = serial
        guard !account.hooks.isEmpty else { return }
        hooksStart = turn.now
        turn.effects.append(.runHooks(account.hooks, expiresAt: credential.expiresAt))
    }

    mutating func recordHooks(_ failures: [Failure], _ turn: inout Turn) {
        hooksStart = nil
        hookRuns += 1
        hookFailures += failures.count
        lastHookFailure = failures.first
        for failure in failures { turn.log(.hookFailed(failure)) }
        if failures.isEmpty { turn.log(.hooksDone) }
    }

    // MARK: Revocation

    /// Contract: `wif-agent revoke` empties the outputs, revokes, and has a new credential obtained.
    mutating func beginSurrender(_ request: Request, _ turn: inout Turn) {
        guard account.service.canRevoke else {
            let failure = Failure(
                .misconfigured,
                at: .revoke,
                "\(account.service.name) cannot revoke credentials",
                hint: "they end by themselves when they expire"
            )
            return turn.effects.append(.answer(request, .revocation(.failed(failure))))
        }
        guard case .none = ending, isValid(at: turn.now), surrender == nil,
            let entry = giveUpCredential(turn.now)
        else { return turn.effects.append(.answer(request, .revocation(.nothing))) }
        surrender = Surrender(entry: entry, request: request, revision: revision)
    }

    /// The credential is nobody's any more, and is to be revoked.
    private mutating func giveUpCredential(_ now: BootInstant) -> RevocationQueue.Entry? {
        guard let credential else { return nil }
        revocations.add(credential, of: account, due: now)
        let entry = revocations.take(credential, at: now)
        self.credential = nil
        outputs = []
        revision += 1
        return entry
    }

    private mutating func beginRevocations(_ turn: inout Turn) {
        if let asked = surrender, asked.isWithdrawn, !asked.isAsked, keptRevision >= asked.revision
        {
            surrender?.isAsked = true
            turn.effects.append(.revoke(asked.entry))
        }
        while let entry = revocations.take(at: turn.now) { turn.effects.append(.revoke(entry)) }
    }

    mutating func endRevocation(
        _ entry: RevocationQueue.Entry,
        _ failure: Failure?,
        _ turn: inout Turn
    ) {
        if let failure {
            revocations.fail(entry.id, failure, at: turn.now, chance: turn.chance)
            turn.log(.revocationFailed(failure))
        } else {
            revocations.succeed(entry.id)
            if isAttempting { revokedMeanwhile.append(entry.credential) }
            turn.log(.revoked(entry.account))
        }
        revision += 1
        guard let asked = surrender, asked.entry.id == entry.id else { return }
        surrender = nil
        let answer = failure.map(Revocation.failed) ?? .revoked
        turn.effects.append(.answer(asked.request, .revocation(answer)))
        pace.hasten(at: turn.now, lastAttempt: lastAttempt)
    }

    // MARK: The end

    /// Contract: at shutdown the credential and those before it are revoked where the account asks for
    /// it, outputs removed first.
    mutating func close(_ turn: inout Turn) {
        var revokes = false
        if case .stopping(true) = ending { revokes = account.revokesOnExit(ofCommand: false) }
        ending = .closing(revokes: revokes)
        // What ran has been cancelled.
        keepingRevision = nil
        let work = outputWork?.work
        outputWork = nil
        dropCandidate()
        if case .opening(let switching)? = work { giveBack(switching) }
        turn.effects.append(.close(removing: revokes))
    }

    mutating func recordClosing(_ reports: [OutputReport], _ turn: inout Turn) {
        logFailures(reports, &turn)
        guard case .closing(true) = ending else { return }
        if isValid(at: turn.now) { _ = giveUpCredential(turn.now) }
        ending = .keeping
        revision += 1
    }

    private mutating func revokeAll(_ turn: inout Turn) {
        for entry in revocations.takeAll(at: turn.now) { turn.effects.append(.revoke(entry)) }
    }
}

extension Account {
    /// The paths of the files that this version writes and another one does not.
    fileprivate func files(droppedBy other: Account) -> [String] {
        let kept = Set(other.configuredOutputs.map(\.path))
        return configuredOutputs.filter { !$0.isSocket }.map(\.path).filter { !kept.contains($0) }
    }
}
