import Agent
import Federation
import Kernel
import Outputs
import TestSupport

/// The agent's own starts and ends, and its account file.
extension World {
    /// The version of the account file that is there.
    var version: Version { versions[identity][rest] }

    /// The outputs of the version in force, by number.
    var places: [Int] { facts?.places ?? [] }

    /// Of the version in force.
    var facts: Facts? { view?.facts }

    func places(of account: Account) -> [Int] {
        known[ObjectIdentifier(account.document)]?.places ?? []
    }

    func identity(of account: Account) -> Int {
        known[ObjectIdentifier(account.document)]?.identity ?? -1
    }

    mutating func startAgent() {
        guard isDead else { return }
        isDead = false
        run += 1
        accounts = AccountSet()
        lastExchange = nil
        lastTrouble = instant
        note("the agent starts")
        reload()
    }

    mutating func reload() {
        guard !isDead else { return }
        var files: [AccountSet.File] = []
        if !isRemoved {
            let account = version.account
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
        lastTrouble = instant
        served = [false, false]
        for place in places(of: account) { served[place] = true }
        let kept =
            kept.map { $0.adopted(by: account, adopts: true, at: instant) }
            ?? CredentialKeeper.Kept()
        if let number = kept.credential?.number {
            if issued[number].isRevoked {
                fail("credential \(number) was revoked, and is adopted")
            }
            if issued[number].identity != identity(of: account) {
                fail("credential \(number) of another identity is adopted")
            }
        }
        takeView()
        tell(.started(kept))
    }

    /// SIGTERM, or the account's file is gone: what runs is cancelled, then the last things are done.
    mutating func end(forGood: Bool) {
        guard life != nil else { return }
        tell(.stopRequested(forGood: forGood))
        // A delivery and the kept state are written to their end; cancelled jobs that have ended all the
        // same tell so.
        let late = queue.filter { $0.run == run }.sorted { $0.order < $1.order }
        queue = []
        for scheduled in late {
            switch scheduled.step {
            case .write, .offer, .remove: perform(scheduled)
            case .tell(.exchanged(_, let result)):
                if case .success = result.outcome, chance() < 0.3 { perform(scheduled) }
            case .tell(.delivered): if chance() < 0.5 { perform(scheduled) }
            case .tell: break
            }
        }
        if let keeping { kept = keeping }
        queue = []
        tell(.stopped)
        while violations.isEmpty, let next = nextStep { perform(queue.remove(at: next)) }
        checkEnd()
        forget()
    }

    /// What the service was asked for, and what is still to be revoked, is known to the next run.
    private mutating func checkEnd() {
        guard !isKeptStale else { return }
        let known = keptNumbers
        for issue in issued
        where issue.isKnown && !issue.isRevoked && !issue.isLost && !known.contains(issue.number)
            && issue.credential.expiry > instant
        {
            fail("credential \(issue.number) is lost at an orderly end")
        }
    }

    private var keptNumbers: Set<Int> {
        var numbers = Set((kept?.revocations ?? []).compactMap { $0.credential.number })
        if let number = kept?.credential?.number { numbers.insert(number) }
        return numbers
    }

    /// The loop is gone, and with it what was not kept.
    mutating func forget() {
        (life, view) = (nil, nil)
        offer = SocketOffer()
        keeping = nil
        run += 1
        queue = []
        let known = keptNumbers
        for number in issued.indices where !known.contains(number) { issued[number].isLost = true }
    }

    mutating func kill(losingPower: Bool) {
        guard !isDead else { return }
        note(losingPower ? "the machine loses power" : "the agent is killed")
        if let keeping, chance() < 0.5 { kept = keeping }
        if losingPower {
            kept = nil
            losePower()
        }
        isDead = true
        forget()
    }

    /// Contract: what is reported as delivered or removed is on the disk; the rest may be as it was.
    private mutating func losePower() {
        for place in unsynced.indices {
            guard let before = unsynced[place], chance() < 0.6 else { continue }
            files[place] = before
            note("output \(place) is as it was")
            // One that an agent before this one has left is not brought back by it.
            guard places.contains(place), let before, issued[before].isRevoked else { continue }
            fail("output \(place) holds credential \(before) again, which is revoked")
        }
        unsynced = [nil, nil]
    }

    mutating func tell(_ event: AccountLife.Event) {
        guard let label = view?.state(at: instant) else { return }
        let kind = EventKind(event)
        eventCount += 1
        if eventCount == 500_000 { fail("no end of events") }
        coverage.note(kind, label)
        note(kind.words)
        if case .kept(nil) = event, let keeping {
            kept = keeping
            self.keeping = nil
        }
        switch event {
        case .exchanged(_, let result):
            if case .success(let credential) = result.outcome, let number = credential.number {
                issued[number].isKnown = true
            }
        case .delivered, .withdrawn, .opened(.opened), .closed: unsynced = [nil, nil]
        default: break
        }
        let chance = chance()
        let date = WallTime(secondsSinceEpoch: now)
        let effects = life?.handle(event, at: instant, date: date, chance: chance) ?? []
        takeView()
        for effect in effects { perform(effect) }
        check()
    }

    private mutating func takeView() {
        let document = versions[identity][rest].account.document
        view = life?.view(at: instant, holding: document, after: view, known)
    }
}
