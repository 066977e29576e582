import Agent
import Federation
import Kernel
import Outputs
import TestSupport

/// What an account's life has done outside.
extension World {
    mutating func perform(_ effect: AccountLife.Effect) {
        switch effect {
        case .exchange(let attempt): exchange(attempt)
        case .deliver(let credential): deliver(credential)
        case .expire:
            // The first file is to be left, the second one to be removed.
            offer = SocketOffer()
            withdraw(places.filter { $0 == 1 })
        case .withdraw:
            offer = SocketOffer()
            withdraw(places)
        case .open(let account, let removingOthers): open(account, removingOthers)
        case .keep(let state):
            // What could not be written is removed, so that nothing older is adopted.
            isKeptStale = isStateDiskFull
            if isStateDiskFull { kept = nil } else { keeping = state }
            schedule(.kept(problem: isStateDiskFull ? "full" : nil), after: delay())
        case .runHooks:
            let failure = Failure(.misconfigured, at: .output, "no")
            schedule(.hooksEnded(hooksFail ? [failure] : []), after: 1 + delay())
        case .revoke(let entry): revoke(entry)
        case .close(let removing):
            offer = SocketOffer()
            if removing { remove(places) }
            schedule(.closed([]), after: delay())
        case .answer, .log: break
        }
    }

    mutating func exchange(_ attempt: AccountLife.Attempt) {
        let identity = identity(of: attempt.account)
        note("exchange for identity \(identity)")
        if let lastExchange, now - lastExchange < 0.999_999 {
            fail("two attempts within \(now - lastExchange) s")
        }
        lastExchange = now
        let pause = delay()
        let outcome: Result<Credential, Failure>
        if isDown {
            outcome = .failure(Failure(.transient, at: .exchange, "down"))
        } else if throttles {
            outcome = .failure(Failure(.throttled, at: .exchange, "slowly", retryAfter: 30))
        } else if refuses {
            outcome = .failure(Failure(.refused, at: .exchange, "no"))
        } else {
            outcome = .success(issue(for: identity))
        }
        if case .failure = outcome { lastTrouble = instant.advanced(bySeconds: pause) }
        let result = JobAnswer(outcome)
        schedule(.exchanged(attempt, result), after: pause)
        // A worker that answers twice.
        if chance() < 0.01 { schedule(.exchanged(attempt, result), after: pause + delay()) }
    }

    /// A service may keep a credential for its client and give it again until shortly before it ends.
    mutating func issueAgain(for identity: Int) -> Credential? {
        guard givesAgain, chance() < 0.7 else { return nil }
        let known = issued.suffix(4).filter {
            $0.identity == identity && !$0.isRevoked
                && $0.credential.expiry.seconds(since: instant) > 900
        }
        guard !known.isEmpty else { return nil }
        let issue = known[Int(Double(known.count) * chance())]
        note("credential \(issue.number) is given again")
        if issue.isLost {
            // The agent that knew it is gone; this one does once it has the answer.
            issued[issue.number].isLost = false
            issued[issue.number].isKnown = false
        }
        return Credential(
            kind: issue.credential.kind,
            value: issue.credential.value,
            issuedAt: issue.credential.issuedAt,
            lifetime: issue.credential.expiry.seconds(since: instant),
            receivedAt: instant
        )
    }

    mutating func issue(for identity: Int) -> Credential {
        if let again = issueAgain(for: identity) {
            lastTrouble = instant
            return again
        }
        let number = issued.count
        let credential = Credential(
            kind: .accessToken(type: "Bearer", scheme: "Bearer"),
            value: .token(number),
            issuedAt: WallTime(secondsSinceEpoch: now),
            lifetime: shortLifetimes.popLast() ?? lifetime,
            receivedAt: instant
        )
        issued.append(Issued(number: number, identity: identity, credential: credential))
        return credential
    }

    /// Each output is written at its own moment; a kill in between leaves the rest as they were.
    mutating func deliver(_ credential: Credential) {
        guard let number = credential.number else { return }
        note("deliver \(number)")
        if instant >= credential.expiry { fail("credential \(number) is delivered expired") }
        var reports: [OutputReport] = []
        var pause = 0.0
        for place in places {
            pause += delay()
            let isFull = fullDisks[place]
            if !isFull { schedule(.write(place: place, credential), after: pause) }
            reports.append(
                OutputReport(
                    output: Self.outputs[place],
                    facts: nil,
                    failure: isFull ? Failure(.transient, at: .output, "full") : nil,
                    warnings: []
                )
            )
        }
        schedule(.offer(credential), after: pause)
        schedule(.delivered(reports, seconds: pause), after: pause)
    }

    private static let outputs = (0..<2).map {
        Output(kind: .file(.raw, FileOptions()), path: "/out/\($0)")
    }

    private static func removed(_ place: Int) -> OutputReport {
        OutputReport(output: outputs[place], facts: nil, failure: nil, warnings: [])
    }

    private mutating func withdraw(_ places: [Int]) {
        let pause = delay()
        schedule(.remove(places: places), after: pause)
        schedule(.withdrawn([]), after: pause + delay())
    }

    mutating func remove(_ places: [Int]) {
        for place in places { change(place, to: nil) }
    }

    private mutating func change(_ place: Int, to number: Int?) {
        let before = files[place]
        if unsynced[place] == nil { unsynced[place] = .some(before) }
        files[place] = number
    }

    mutating func write(_ credential: Credential, to place: Int) {
        guard let number = credential.number else { return }
        note("output \(place) holds \(number)")
        let identity = issued[number].identity
        if issued[number].isRevoked {
            fail("credential \(number) is delivered although it is revoked")
        }
        if let facts, identity != facts.identity {
            fail("credential \(number) is delivered to the outputs of another identity")
        }
        if let old = files[place], let date = fileDates[place], date > credential.receivedAt,
            issued[old].identity == identity
        {
            fail("output \(place) goes back from credential \(old) to \(number)")
        }
        change(place, to: number)
        fileDates[place] = credential.receivedAt
        checkSocket()
    }

    mutating func open(_ account: Account, _ removingOthers: Bool) {
        let (places, identity) = (places(of: account), identity(of: account))
        note("open the outputs \(places) of identity \(identity)")
        lastTrouble = instant.advanced(bySeconds: 20)
        if cannotOpen {
            let failure = Failure(.misconfigured, at: .output, "no place")
            schedule(.opened(chance() < 0.5 ? .reverted(failure) : .lost(failure)), after: delay())
        } else {
            // Other sockets are served, which have nothing to give yet.
            offer = SocketOffer()
            for place in places { served[place] = true }
            let pause = delay()
            let dropped = self.places.filter { removingOthers && !places.contains($0) }
            schedule(.remove(places: dropped), after: pause)
            schedule(.opened(.opened(dropped.map(Self.removed))), after: pause)
        }
    }

    mutating func revoke(_ entry: RevocationQueue.Entry) {
        guard let number = entry.credential.number else { return }
        note("revoke \(number)")
        if identity(of: entry.account) != issued[number].identity {
            fail("credential \(number) is sent to another service to be revoked")
        }
        if let failure = isDown ? Failure(.transient, at: .revoke, "down") : revocationFailure {
            return schedule(.revocationEnded(entry, failure), after: delay())
        }
        for place in files.indices where served[place] && files[place] == number {
            fail("credential \(number) is revoked while output \(place) holds it")
        }
        if offer.credential(at: instant) === entry.credential.value {
            fail("credential \(number) is revoked while the socket gives it")
        }
        issued[number].isRevoked = true
        schedule(.revocationEnded(entry, nil), after: delay())
    }
}
