import Federation
import Platform
import TestSupport
import Testing

@testable import Agent

@Suite struct `Kept credentials` {
    private let now = BootInstant(seconds: 1010)

    private func keeper(_ scratch: borrowing ScratchDirectory, adopts: Bool = true) throws
        -> CredentialKeeper
    {
        let path = scratch("state")
        return try #require(CredentialKeeper(directory: path, onDisk: true, adopts: adopts))
    }

    private func pending(_ name: String, _ account: Account) -> [RevocationQueue.Entry] {
        var queue = RevocationQueue()
        queue.add(.named(name), of: account)
        return queue.entries
    }

    @Test func `what awaits revocation survives, with the account that issued it`() throws {
        let scratch = ScratchDirectory()
        let account = try Account.revocable()
        let old = try Account.revocable(["projectId": "old"])
        try keeper(scratch).keep(.named("new"), revoking: pending("old", old), for: account)
        let kept = try keeper(scratch).adopt(for: account, at: now)
        #expect(kept.credential?.value.text == "new")
        #expect(kept.superseded.map(\.credential.value.text) == ["old"])
        #expect(kept.superseded.first?.account.document.isEqual(to: old.document) == true)
    }

    @Test func `a credential that is not adopted is superseded`() throws {
        let scratch = ScratchDirectory()
        let account = try Account.revocable()
        let changed = try Account.revocable(["lifetime": 7])
        try keeper(scratch).keep(.named("a"), for: account)
        let cases = [
            (try keeper(scratch), changed, now), (try keeper(scratch, adopts: false), account, now),
            (try keeper(scratch), account, now.advanced(bySeconds: 3000)),
        ]
        for (keeper, account, now) in cases {
            let kept = keeper.adopt(for: account, at: now)
            #expect(kept.credential == nil)
            #expect(kept.superseded.map(\.credential.value.text) == ["a"])
        }
    }

    @Test func `what has expired is not taken up, nor what comes from the future`() throws {
        let scratch = ScratchDirectory()
        let account = try Account.revocable()
        try keeper(scratch).keep(.named("a"), revoking: pending("b", account), for: account)
        for later in [now.advanced(bySeconds: 4000), BootInstant(seconds: 999)] {
            let kept = try keeper(scratch).adopt(for: account, at: later)
            #expect(kept.credential == nil)
            #expect(kept.superseded.isEmpty)
        }
    }
}
