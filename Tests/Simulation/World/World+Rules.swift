import Agent
import Federation
import FoundationEssentials
import Kernel
import Outputs
import TestSupport

extension World {
    mutating func check() {
        guard let life else { return }
        if life.revocations.entries.count > 400 { fail("too many wait to be revoked") }
        // Whoever holds the file's bytes is never given another identity's credential.
        let account = versions[identity][rest]
        if case .success(let credential)? = life.answer(
            for: account.document,
            newerThan: nil,
            at: instant
        ) {
            if let issue = issue(of: credential), issue.identity != identity {
                fail("a reader is given credential \(issue.number) of identity \(issue.identity)")
            }
        }
        if life.isReady(at: instant) {
            let number = files[life.account.place]?.number
            if number == nil { fail("ready, and the output is empty") }
            if let number, issued[number].identity != self.identity(of: life.account) {
                fail("ready, and the output holds another identity's credential")
            }
        }
    }

    /// All faults end; then everything is well within what the contract allows: five minutes after a
    /// refusal, a minute for a job, and the grace of what was superseded.
    mutating func settle() {
        guard violations.isEmpty else { return }
        note("all faults end")
        (isDown, refuses, throttles, isDiskFull, isStateDiskFull) = (
            false, false, false, false, false
        )
        (revocationFails, cannotOpen, isSlow, isBroken, isRemoved) = (
            false, false, false, false, false
        )
        lifetime = 3600
        startAgent()
        reload()
        if life?.isReady(at: instant) == false { tell(.refreshRequested(delay: 0)) }
        advance(to: now + 300 + 60 + 40)
        guard violations.isEmpty else { return }
        guard let life, life.isReady(at: instant) else {
            return fail("not ready after all faults ended")
        }
        if identity(of: life.account) != identity { fail("the file's identity is not in force") }
        // What was superseded is known of, and goes one by one.
        let current = files[versions[identity][rest].place]?.number
        for issue in issued
        where !issue.isRevoked && issue.credential.expiry > instant && issue.number != current
            && !isAwaited(issue) && !lost.contains(issue.number)
        {
            return fail("credential \(issue.number) was superseded, and nobody will revoke it")
        }
        advance(to: now + 300 + 60 + 60)
        if violations.isEmpty, let pending = self.life?.revocations.entries.count, pending > 2 {
            fail("\(pending) credentials still wait to be revoked")
        }
    }

    /// Whether its revocation is to come, or it is the present one.
    func isAwaited(_ issue: Issued) -> Bool {
        let known =
            (life?.revocations.entries.map(\.credential) ?? [])
            + [life?.credential].compactMap(\.self)
        return known.contains { $0.value.isEqual(to: issue.credential.value) }
    }
}
