import Federation
import FoundationEssentials
import Kernel
import TestSupport
import Testing
import Text

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

    private func keep(
        _ name: String,
        of account: Account,
        _ scratch: borrowing ScratchDirectory
    ) throws {
        try keeper(scratch).keep(
            AccountLife.State(account: account, credential: .named(name), revocations: [])
        )
    }

    /// The environment may supply a client id; another one is another tenant.
    @Test func `a credential of another environment is neither adopted nor sent to its service`()
        throws
    {
        let scratch = ScratchDirectory()
        let document = Secret(#"{"type":"external_account","service":"conductorone"}"#)
        let account = { (tenant: String) in
            try Account(
                parsing: document,
                path: "/etc/c1.json",
                environment: ["CONDUCTORONE_CLIENT_ID": "a@\(tenant).conductor.one/wfe"]
            )
        }
        try keep("a", of: try account("first"), scratch)
        let kept = try keeper(scratch).adopt(
            for: try account("second"),
            environment: ["CONDUCTORONE_CLIENT_ID": "a@second.conductor.one/wfe"],
            at: now
        )
        #expect(kept.credential == nil)
        #expect(kept.superseded.isEmpty)
    }

    @Test func `what a newer version kept is ignored, and what an older one kept is not`() throws {
        let scratch = ScratchDirectory()
        let account = try Account.revocable()
        try keep("a", of: account, scratch)
        let file = URL(filePath: scratch("state/\(account.name).json"))
        let text = try String(decoding: Data(contentsOf: file), as: UTF8.self)
        #expect(text.contains(#""format":1"#))
        let newer = "what a newer version of wif-agent kept is ignored"
        let cases: [(String, String?, String?)] = [
            (#""format":2"#, nil, newer), (#""format":"x""#, nil, newer), (#""other":1"#, "a", nil),
        ]
        for (format, name, problem) in cases {
            let other = text.components(separatedBy: #""format":1"#).joined(separator: format)
            try Data(other.utf8).write(to: file)
            let kept = try keeper(scratch).adopt(for: account, at: now)
            #expect(kept.credential?.value.text == name)
            #expect(kept.superseded.isEmpty)
            #expect(kept.problem == problem)
        }
    }

    /// It was passed over in silence, and with it what awaited its revocation.
    @Test func `a state that cannot be read is told of`() throws {
        let scratch = ScratchDirectory()
        let account = try Account.revocable()
        #expect(try keeper(scratch).adopt(for: account, at: now).problem == nil)
        try keep("a", of: account, scratch)
        let path = scratch("state/\(account.name).json")
        try Data("{".utf8).write(to: URL(filePath: path))
        let start = "what an earlier run kept in \(path) "
        let kept = try keeper(scratch).adopt(for: account, at: now)
        #expect(kept.credential == nil)
        #expect(kept.problem == start + "is not JSON")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect(
            try keeper(scratch).adopt(for: account, at: now).problem
                == start + "is not this user's alone"
        )
    }

    @Test func `a directory that does not exist yet does not keep it from keeping`() throws {
        let path = "/dev/shm/wif-agent-test-\(UInt64.random(in: 0...UInt64.max))/run/state"
        #expect(CredentialKeeper(directory: path, onDisk: false, adopts: true) != nil)
        #expect(CredentialKeeper(directory: "/var/x/y/z", onDisk: false, adopts: true) == nil)
    }

    @Test func `what awaits revocation survives, with the account that issued it`() throws {
        let scratch = ScratchDirectory()
        let account = try Account.revocable()
        let old = try Account.revocable(["projectId": "old"])
        try keeper(scratch).keep(
            AccountLife.State(
                account: account,
                credential: .named("new"),
                revocations: pending("old", old)
            )
        )
        let kept = try keeper(scratch).adopt(for: account, at: now)
        #expect(kept.credential?.value.text == "new")
        #expect(kept.superseded.map(\.credential.value.text) == ["old"])
        #expect(kept.superseded.first?.account.document.isEqual(to: old.document) == true)
    }

    @Test func `a credential that is not adopted is superseded`() throws {
        let scratch = ScratchDirectory()
        let account = try Account.revocable()
        let changed = try Account.revocable(["lifetime": 7])
        try keep("a", of: account, scratch)
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
        try keeper(scratch).keep(
            AccountLife.State(
                account: account,
                credential: .named("a"),
                revocations: pending("b", account)
            )
        )
        for later in [now.advanced(bySeconds: 4000), BootInstant(seconds: 999)] {
            let kept = try keeper(scratch).adopt(for: account, at: later)
            #expect(kept.credential == nil)
            #expect(kept.superseded.isEmpty)
        }
    }

    @Test func `a quarter of its lifetime must be left, and more`() throws {
        let scratch = ScratchDirectory()
        let account = try Account.revocable()
        try keep("a", of: account, scratch)
        // Received at 1000 s, for 3600 s.
        let late = try keeper(scratch).adopt(for: account, at: BootInstant(seconds: 3700))
        #expect(late.credential == nil)
        let early = try keeper(scratch).adopt(for: account, at: BootInstant(seconds: 3699))
        #expect(early.credential?.value.text == "a")
    }

    @Test func `a state may have a mebibyte, and no more`() throws {
        let scratch = ScratchDirectory()
        let account = try Account.revocable()
        try keep("a", of: account, scratch)
        let path = scratch("state/\(account.name).json")
        let state = try Data(contentsOf: URL(filePath: path))
        for (size, name) in [(1_048_576, "a"), (1_048_577, nil)] {
            try (state + Data(repeating: 0x20, count: size - state.count))
                .write(to: URL(filePath: path))
            let kept = try keeper(scratch).adopt(for: account, at: now)
            #expect(kept.credential?.value.text == name)
            #expect((kept.problem == nil) == (name != nil))
        }
    }
}
