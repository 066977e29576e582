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

    private let refusal = Failure(.refused, at: .revoke, "no")

    // Each had its own pace: a service that refused was asked for all of them, hundreds an hour.
    @Test func `share the pace of their service, one at a time and another each time`() throws {
        var queue = try queue("a", "b", "c", due: 0)
        for id in 1...3 { #expect(queue.take(at: at(0))?.id == id) }
        #expect(queue.nextEvent == nil)
        for id in 1...3 { queue.fail(id, refusal, at: at(Double(id)), chance: 0) }
        // The last failure counts, and those that were under way together are one.
        #expect(queue.nextEvent == at(303))
        for (id, second) in [(1, 303.0), (2, 603), (3, 903), (1, 1203)] {
            #expect(queue.take(at: at(second - 0.1)) == nil)
            #expect(queue.take(at: at(second))?.id == id)
            #expect(queue.take(at: at(second)) == nil)
            #expect(queue.nextEvent == nil)
            queue.fail(id, refusal, at: at(second), chance: 0)
        }
    }

    @Test func `all follow once one has been revoked`() throws {
        var queue = try queue("a", "b", "c", due: 0)
        let first = try taken(&queue, at: at(0))
        queue.fail(first.id, refusal, at: at(0), chance: 0)
        #expect(queue.take(at: at(200)) == nil)
        let second = try taken(&queue, at: at(300))
        #expect(second.credential.value.text == "b")
        #expect(queue.take(at: at(301)) == nil)
        queue.succeed(second.id)
        #expect(queue.nextEvent == at(0))
        #expect(queue.take(at: at(301))?.credential.value.text == "c")
        #expect(queue.take(at: at(301))?.id == first.id)
        #expect(queue.take(at: at(301)) == nil)
    }

    /// Pauses in seconds, at a chance of 0.5: those of refreshes that fail in a row.
    @Test func `back off as refreshes do, counting what was under way together once`() throws {
        var queue = try queue("a", "b", due: 0)
        _ = try [taken(&queue, at: at(0)), taken(&queue, at: at(0))]
        let failure = Failure(.transient, at: .revoke, "down")
        queue.fail(1, failure, at: at(0.5), chance: 0.5)
        queue.fail(2, failure, at: at(0.5), chance: 0.5)
        var now = 0.5
        for pause in [1.0, 2, 4, 8, 16, 30, 30] {
            #expect(queue.nextEvent == at(now + pause))
            now += pause
            let entry = try taken(&queue, at: at(now))
            queue.fail(entry.id, failure, at: at(now), chance: 0.5)
        }
    }

    /// What begins at the moment of a failure was not under way together with what failed.
    @Test func `back off further when what is asked for then fails as well`() throws {
        var queue = try queue("a", "b", due: 0)
        let failure = Failure(.transient, at: .revoke, "down")
        queue.fail(try taken(&queue, at: at(0)).id, failure, at: at(1), chance: 0.5)
        #expect(queue.nextEvent == at(2))
        let asked = queue.take(.named("b"), at: at(1))
        queue.fail(try #require(asked).id, failure, at: at(1), chance: 0.5)
        #expect(queue.nextEvent == at(3))
    }

    @Test func `of one service do not wait for another`() throws {
        var queue = try queue("a", due: 0)
        let other = try Account.revocable(["revokeUrl": .string("https://other.example/revoke")])
        queue.add(.named("b"), of: other, due: at(0))
        queue.fail(try taken(&queue, at: at(0)).id, refusal, at: at(0), chance: 0)
        #expect(queue.take(at: at(0))?.credential.value.text == "b")
        #expect(queue.nextEvent == at(300))
    }

    @Test func `are taken when somebody asks for it, whatever the pace`() throws {
        var queue = try queue("a", "b", due: 0)
        queue.fail(try taken(&queue, at: at(0)).id, refusal, at: at(0), chance: 0)
        #expect(queue.take(.named("b"), at: at(1))?.id == 2)
        #expect(queue.take(.named("b"), at: at(1)) == nil)
        #expect(queue.take(.named("c"), at: at(1)) == nil)
        #expect(queue.count == 2)
    }

    @Test func `are forgotten when they expire before their successor is in every output`() throws {
        var queue = try queue("a")
        queue.add(.named("b", at: 1500), of: try .revocable())
        #expect(queue.take(at: at(3600)) == nil)
        #expect(queue.entries.map(\.credential.value.text) == ["b"])
        queue.release(at: at(3700))
        #expect(queue.take(at: at(3730))?.credential.value.text == "b")
        // One that is being revoked is known to its end.
        #expect(queue.take(at: at(9000)) == nil)
        #expect(queue.count == 1)
    }

    @Test func `are forgotten when they have expired`() throws {
        var queue = try queue("a", due: 0)
        let entry = try taken(&queue, at: at(0))
        queue.fail(entry.id, Failure(.refused, at: .revoke, "no"), at: at(3500), chance: 0)
        #expect(queue.take(at: at(3600)) == nil)
        #expect(queue.entries.isEmpty)
    }

    @Test func `are forgotten each at its own end`() throws {
        var queue = try queue("a")
        queue.add(.named("b", at: 1500), of: try .revocable())
        #expect(queue.take(at: at(3600)) == nil)
        #expect(queue.entries.map(\.credential.value.text) == ["b"])
        #expect(queue.take(at: at(4099.9)) == nil)
        #expect(queue.count == 1)
        #expect(queue.take(at: at(4100)) == nil)
        #expect(queue.count == 0)
    }

    /// What is remembered is bounded by what waits.
    @Test func `leave nothing of their service's pace behind`() throws {
        var queue = try queue("a", due: 0)
        queue.fail(try taken(&queue, at: at(3500)).id, refusal, at: at(3500), chance: 0)
        #expect(queue.take(at: at(3600)) == nil)
        #expect(queue.count == 0)
        #expect(queue.nextEvent == nil)
        queue.add(.named("b", at: 4500), of: try .revocable(), due: at(3610))
        #expect(queue.nextEvent == at(3610))
        #expect(queue.take(at: at(3610))?.credential.value.text == "b")
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
        #expect(queue.takeAll(at: at(3599.9)).map(\.credential.value.text) == ["a", "b"])
        #expect(queue.takeAll(at: at(3600)).isEmpty)
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
