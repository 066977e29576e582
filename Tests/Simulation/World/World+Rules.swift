import Agent
import Federation
import Kernel
import Outputs
import TestSupport

/// What must hold: after each step, and once all faults have ended.
extension World {
    mutating func check() {
        guard view != nil else { return }
        if view?.pendingRevocations ?? 0 > 400 { fail("too many wait to be revoked") }
        // Whoever holds the file's bytes is never given another identity's credential.
        if let credential = view?.given {
            let number = credential.number
            if issued[number].identity != identity {
                fail("a reader is given credential \(number) of another identity")
            }
            if instant >= credential.expiry {
                fail("a reader is given credential \(number), which has expired")
            }
        }
        checkSocket()
        checkExpiry()
        if view?.isReady == true { checkReadiness() }
    }

    /// Whoever connects to the socket, at whatever moment, is given what is of use.
    mutating func checkSocket() {
        guard let secret = offer.credential(at: instant), let facts,
            let number = secret.number
        else { return }
        if instant >= issued[number].credential.expiry {
            fail("the socket gives credential \(number), which has expired")
        }
        if issued[number].identity != facts.identity {
            fail("the socket gives credential \(number) of another identity")
        }
        if issued[number].isRevoked {
            fail("the socket gives credential \(number), which is revoked")
        }
    }

    /// Ready: every output holds a credential of the identity, and the newest one or, while that is under
    /// way, the one before.
    mutating func checkReadiness() {
        guard let facts else { return }
        let present = view?.isDelivering == false ? view?.credential?.number : nil
        for place in facts.places {
            guard let number = files[place] else {
                // At its stop an agent takes away what an edit has dropped, and tells of itself no more.
                if view?.isStopping == false { fail("ready, and output \(place) is empty") }
                continue
            }
            if issued[number].identity != facts.identity {
                fail("ready, and output \(place) holds another identity's credential")
            }
            if issued[number].isRevoked {
                fail("ready, and output \(place) holds credential \(number), which is revoked")
            }
            if let present, present != number {
                fail("ready, and output \(place) holds the older credential \(number)")
            }
        }
    }

    /// No credential runs out that the contract's schedule could have replaced: nothing has stood in the
    /// way of an exchange since the refresh was due and since the longest pause after the last failure.
    mutating func checkExpiry() {
        guard view?.phase == .expired, view?.isStopping == false,
            let credential = view?.credential, lastExpired != credential.number
        else { return }
        let number = credential.number
        lastExpired = number
        if isDown || refuses || throttles { return }
        let due = credential.receivedAt.advanced(
            bySeconds: max(1, credential.lifetime * RefreshSchedule.window.upperBound)
        )
        let free = max(due, lastTrouble ?? due)
        // The longest pause is that after a refusal; a slow job takes 21 s, and one may be under way.
        if credential.expiry.seconds(since: free) > 300 + 2 * 21 + 1 {
            fail("credential \(number) ran out, and nothing stood in the way of another")
        }
    }

    /// All faults end; then everything is well within what the contract allows: five minutes after a
    /// refusal, a minute for a job, and the grace of what was superseded.
    mutating func settle() {
        guard violations.isEmpty else { return }
        note("all faults end")
        (isDown, refuses, throttles, isStateDiskFull) = (false, false, false, false)
        givesAgain = false
        (cannotOpen, isSlow, isBroken, isRemoved, hooksFail) = (false, false, false, false, false)
        (fullDisks, revocationFailure, lifetime) = ([false, false], nil, 3600)
        startAgent()
        reload()
        if life?.isReady(at: instant) == false { tell(.refreshRequested(delay: 0)) }
        advance(to: now + 300 + 65 + 40)
        guard violations.isEmpty else { return }
        guard life?.isReady(at: instant) == true else {
            return fail("not ready after all faults ended")
        }
        if facts?.identity != identity { fail("the file's identity is not in force") }
        // What was superseded is known of, and goes within the pause of its service.
        let current = version.facts.places.compactMap { files[$0] }
        let awaited = awaited
        for issue in issued
        where !issue.isRevoked && !issue.isLost && issue.credential.expiry > instant
            && !current.contains(issue.number) && !awaited.contains(issue.number)
        {
            return fail("credential \(issue.number) was superseded, and nobody will revoke it")
        }
        advance(to: now + 300 + 65 + 60)
        if violations.isEmpty, let pending = self.life?.revocations.count, pending > 2 {
            fail("\(pending) credentials still wait to be revoked")
        }
    }

    /// The credentials whose revocation is to come, and the present one.
    var awaited: Set<Int> {
        var all: Set<Int> = []
        for entry in life?.revocations.entries ?? [] {
            if let number = entry.credential.number { all.insert(number) }
        }
        if let number = life?.credential?.number { all.insert(number) }
        return all
    }
}
