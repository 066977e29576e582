import Agent
import Federation
import FoundationEssentials
import Kernel
import Outputs
import TestSupport

extension World {
    mutating func startAgent() {
        guard isDead else { return }
        isDead = false
        run += 1
        accounts = AccountSet()
        lastExchange = nil
        note("the agent starts")
        reload()
    }

    mutating func reload() {
        guard !isDead else { return }
        var files: [AccountSet.File] = []
        if !isRemoved {
            let account = versions[identity][rest]
            let problem = AccountFiles.Problem(
                path: account.path,
                failure: Failure(.misconfigured, at: .account, "broken"),
                isUnreadable: false
            )
            files = [
                .init(path: account.path, content: isBroken ? .failure(problem) : .success(account))
            ]
        }
        for step in accounts.reload(files) {
            switch step {
            case .start(let account): start(account)
            case .change(let account):
                nextRequest += 1
                tell(.fileChanged(account, .init(id: nextRequest)))
            case .hold: tell(.fileBroken)
            case .stop: end(forGood: true)
            case .tellRejection, .tellResolution: break
            }
        }
    }

    mutating func start(_ account: Account) {
        run += 1
        life = AccountLife(account: account, revokesSuperseded: true, start: instant)
        // The agent as a whole keeps no second between a loop and the next one of the same account.
        lastExchange = nil
        let kept = kept.map { $0.adopted(by: account, at: instant) } ?? CredentialKeeper.Kept()
        if let credential = kept.credential, let issue = issue(of: credential) {
            if issue.isRevoked { fail("credential \(issue.number) was revoked, and is adopted") }
            if issue.identity != identity(of: account) {
                fail("credential \(issue.number) of another identity is adopted")
            }
        }
        tell(.started(kept))
    }

    /// SIGTERM, or the account's file is gone: what runs is cancelled, then the last things are done.
    mutating func end(forGood: Bool) {
        guard life != nil else { return }
        tell(.stopRequested(forGood: forGood))
        // Cancelled jobs that have ended all the same tell so; the kept state is written to its end.
        let late = queue.filter { $0.run == run }
        queue.removeAll { $0.run == run }
        for scheduled in late {
            if case .exchanged(_, let result) = scheduled.event, case .credential = result.outcome,
                chance() < 0.3
            {
                tell(scheduled.event)
            }
        }
        if let keeping { kept = keeping }
        queue.removeAll { $0.run == run }
        tell(.stopped)
        while violations.isEmpty,
            let next = queue.filter({ $0.run == run }).min(by: { $0.order < $1.order })
        {
            queue.removeAll { $0.order == next.order }
            tell(next.event)
        }
        forget()
    }

    /// The loop is gone, and with it what was not kept.
    mutating func forget() {
        life = nil
        keeping = nil
        run += 1
        let known =
            [kept?.credential].compactMap(\.self) + (kept?.revocations.map(\.credential) ?? [])
        for issue in issued where !issue.isRevoked {
            if !known.contains(where: { $0.value.isEqual(to: issue.credential.value) }) {
                lost.insert(issue.number)
            }
        }
    }

    mutating func kill(losingState: Bool) {
        guard !isDead else { return }
        note(losingState ? "the machine loses power" : "the agent is killed")
        if let keeping, chance() < 0.5 { kept = keeping }
        if losingState { kept = nil }
        isDead = true
        forget()
    }

    mutating func tell(_ event: AccountLife.Event) {
        guard let label = life?.label(at: instant) else { return }
        eventCount += 1
        if eventCount == 500_000 { fail("no end of events") }
        coverage.insert(Pair(event: event.word, state: label))
        note(event.word)
        if case .kept(nil) = event, let keeping {
            kept = keeping
            self.keeping = nil
        }
        let chance = chance()
        let date = WallTime(secondsSinceEpoch: now)
        let effects = life?.handle(event, at: instant, date: date, chance: chance) ?? []
        for effect in effects { perform(effect) }
        check()
    }

    mutating func perform(_ effect: AccountLife.Effect) {
        switch effect {
        case .exchange(let attempt): exchange(attempt)
        case .deliver(let credential): deliver(credential)
        case .expire: schedule(.withdrawn([]), after: delay())
        case .withdraw:
            files = [:]
            schedule(.withdrawn([]), after: delay())
        case .open(let account, let removingOthers): open(account, removingOthers)
        case .keep(let state):
            // What could not be written is removed, so that nothing older is adopted.
            if isStateDiskFull { kept = nil } else { keeping = state }
            schedule(.kept(problem: isStateDiskFull ? "full" : nil), after: delay())
        case .runHooks: schedule(.hooksEnded([]), after: 1 + delay())
        case .revoke(let entry): revoke(entry)
        case .close(let removing):
            if removing { files = [:] }
            schedule(.closed([]), after: delay())
        case .answer, .log: break
        }
    }

    func identity(of account: Account) -> Int {
        // By the project, for an identity takes its time to be made.
        guard case .tokenExchange(let service) = account.service,
            let digit = service.resources.first?.utf8.last
        else { return -1 }
        return Int(digit) - 0x30
    }

    func issue(of credential: Credential) -> Issued? {
        Int(credential.value.text.dropFirst("token-".count)).map { issued[$0] }
    }

    mutating func exchange(_ attempt: AccountLife.Attempt) {
        let identity = identity(of: attempt.account)
        note("exchange for identity \(identity)")
        if let lastExchange, now - lastExchange < 0.999_999 {
            fail("two attempts within \(now - lastExchange) s")
        }
        lastExchange = now
        let pause = delay()
        let outcome: JobResult.Outcome
        if isDown {
            outcome = .failure(Failure(.transient, at: .exchange, "down"))
        } else if throttles {
            outcome = .failure(Failure(.throttled, at: .exchange, "slowly", retryAfter: 30))
        } else if refuses {
            outcome = .failure(Failure(.refused, at: .exchange, "no"))
        } else {
            let credential = Credential(
                kind: .accessToken(type: "Bearer", scheme: "Bearer"),
                value: Secret("token-\(issued.count)"),
                issuedAt: WallTime(secondsSinceEpoch: now),
                lifetime: shortLifetimes.popLast() ?? lifetime,
                receivedAt: instant
            )
            issued.append(
                Issued(number: issued.count, identity: identity, credential: credential)
            )
            outcome = .credential(credential)
        }
        schedule(.exchanged(attempt, JobResult(id: attempt.id, outcome: outcome)), after: pause)
        // A worker that answers twice.
        if chance() < 0.01 {
            schedule(
                .exchanged(attempt, JobResult(id: attempt.id, outcome: outcome)),
                after: pause + delay()
            )
        }
    }

    mutating func deliver(_ credential: Credential) {
        guard let issue = issue(of: credential), let life else { return }
        note("deliver \(issue.number)")
        if issue.identity != identity(of: life.account) {
            fail(
                "credential \(issue.number) of identity \(issue.identity) is delivered to another's outputs"
            )
        }
        if issue.isRevoked {
            fail("credential \(issue.number) is delivered although it is revoked")
        }
        if instant >= credential.expiry { fail("credential \(issue.number) is delivered expired") }
        let place = life.account.place
        if let old = files[place]?.number, old > issue.number,
            issued[old].identity == issue.identity
        {
            fail("output \(place) goes back from credential \(old) to \(issue.number)")
        }
        let failure = isDiskFull ? Failure(.transient, at: .output, "full") : nil
        if failure == nil { files[place] = File(number: issue.number) }
        let output = Output(kind: .file(.raw, FileOptions()), path: "/out/\(place)")
        let report = OutputReport(output: output, facts: nil, failure: failure, warnings: [])
        let pause = delay()
        schedule(.delivered([report], seconds: pause), after: pause)
    }

    mutating func open(_ account: Account, _ removingOthers: Bool) {
        note("open the outputs of identity \(identity(of: account)), place \(account.place)")
        if cannotOpen {
            let failure = Failure(.misconfigured, at: .output, "no place")
            schedule(.opened(chance() < 0.5 ? .reverted(failure) : .lost(failure)), after: delay())
        } else {
            if removingOthers { files = files.filter { $0.key == account.place } }
            schedule(.opened(.opened), after: delay())
        }
    }

    mutating func revoke(_ entry: RevocationQueue.Entry) {
        guard let issue = issue(of: entry.credential) else { return }
        note("revoke \(issue.number)")
        if identity(of: entry.account) != issue.identity {
            fail("credential \(issue.number) is sent to another service to be revoked")
        }
        if isDown || revocationFails {
            let failure = Failure(.transient, at: .revoke, "down")
            return schedule(.revocationEnded(entry, failure), after: delay())
        }
        if let life, !life.isStopping, files[life.account.place]?.number == issue.number {
            fail(
                "credential \(issue.number) is revoked while output \(life.account.place) holds it"
            )
        }
        issued[issue.number].isRevoked = true
        schedule(.revocationEnded(entry, nil), after: delay())
    }
}
