import Federation
import FoundationEssentials
import Kernel
import Testing
import Text

@testable import Agent

@Suite struct `Superseded credentials` {
    private let start = BootInstant(seconds: 1000)

    private func at(_ seconds: Double) -> BootInstant { start.advanced(bySeconds: seconds) }

    private func queue(_ names: String..., due: Double? = nil) throws -> RevocationQueue {
        var queue = RevocationQueue()
        for name in names {
            queue.add(
                .named(name),
                of: try Account.revocable(),
                due: due.map(at)
            )
        }
        return queue
    }

    private func taken(
        _ queue: inout RevocationQueue,
        at now: BootInstant
    ) throws -> RevocationQueue.Entry {
        let entry = queue.take(at: now)
        return try #require(entry)
    }

    @Test func `are revoked 30 s after their successor is in every output`() throws {
        var queue = try queue("a")
        #expect(queue.nextEvent == nil)
        #expect(queue.take(at: at(1000)) == nil)
        queue.release(at: at(10))
        #expect(queue.nextEvent == at(40))
        #expect(queue.take(at: at(39.9)) == nil)
        let entry = try taken(&queue, at: at(40))
        #expect(entry.credential.value.text == "a")
        #expect(queue.take(at: at(50)) == nil)
        #expect(queue.entries.count == 1)
        queue.succeed(entry.id)
        #expect(queue.entries.isEmpty)
        #expect(queue.revoked == 1)
    }

    @Test func `keep their own time when another one follows`() throws {
        var queue = try queue("a")
        queue.release(at: at(0))
        queue.add(.named("b"), of: try .revocable())
        queue.release(at: at(20))
        #expect(queue.take(at: at(30))?.credential.value.text == "a")
        #expect(queue.take(at: at(30)) == nil)
        #expect(queue.take(at: at(50))?.credential.value.text == "b")
    }

    /// Class, attempt, chance, seconds until the next.
    static let paces: [(Failure.Class, Double?, Double)] = [
        (.transient, nil, 2 * 0.999), (.throttled, 90, 90), (.refused, nil, 300),
    ]

    @Test(arguments: paces)
    func `are tried again at the pace of refreshes`(
        class: Failure.Class,
        retryAfter: Double?,
        delay: Double
    ) throws {
        var queue = try queue("a", due: 0)
        let entry = try taken(&queue, at: at(0))
        let failure = Failure(`class`, at: .revoke, "no", retryAfter: retryAfter)
        queue.fail(entry.id, failure, at: at(5), chance: 0.999)
        #expect(queue.nextEvent == at(5 + delay))
        #expect(queue.failures == 1)
        #expect(queue.lastFailure == failure)
        #expect(queue.take(at: at(5 + delay))?.id == entry.id)
        queue.succeed(entry.id)
        #expect(queue.lastFailure == nil)
    }

    @Test func `are forgotten when they have expired`() throws {
        var queue = try queue("a", due: 0)
        let entry = try taken(&queue, at: at(0))
        queue.fail(entry.id, Failure(.refused, at: .revoke, "no"), at: at(3500), chance: 0)
        #expect(queue.take(at: at(3600)) == nil)
        #expect(queue.entries.isEmpty)
    }

    @Test func `are there once, and not at all where nothing can be revoked`() throws {
        var queue = try queue("a", "a")
        #expect(queue.entries.count == 1)
        queue.add(.named("m"), of: try .mondoo())
        #expect(queue.entries.count == 1)
    }

    @Test func `are all taken at the end, due or not, oldest first`() throws {
        var queue = try queue("a", due: 7)
        queue.add(.named("b"), of: try .revocable())
        _ = try taken(&queue, at: at(7))
        // The attempt that had begun was given up.
        #expect(queue.takeAll(at: at(8)).map(\.credential.value.text) == ["a", "b"])
        #expect(queue.take(at: at(9)) == nil)
        #expect(queue.takeAll(at: at(3601)).isEmpty)
    }
}

extension Credential {
    /// Received at 1000 s after boot, for an hour.
    static func named(_ name: String, at seconds: Double = 1000) -> Credential {
        Credential(
            kind: .accessToken(type: "Bearer", scheme: "Bearer"),
            value: Secret(name),
            issuedAt: WallTime(secondsSinceEpoch: 1_704_164_645),
            lifetime: 3600,
            receivedAt: BootInstant(seconds: seconds)
        )
    }
}

extension Account {
    static func made(_ members: [String: JSON]) throws -> Account {
        let all = members.merging(["type": "external_account"]) { own, _ in own }
        return try Account(parsing: Secret(JSON.object(all).serialized()), path: "/x/acc.json")
    }

    static func revocable(_ members: [String: JSON] = [:]) throws -> Account {
        try made(["service": "bright", "projectId": "p"].merging(members) { $1 })
    }

    static func mondoo() throws -> Account {
        try made(["audience": "//m", "issuerUri": "https://i"])
    }
}
