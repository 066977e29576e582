import Federation
import HTTP
import Kernel
import NetworkTestSupport
import Testing
import Text

/// What is never replaced.
extension SecretDeliveryTests {
    @Test func `the credential of another identity is never replaced`() async throws {
        let network = network([try secret(audience: "//other")], [try secret()])
        let failure = try failure(await result(try change(.write(Secret("new"))), network))
        #expect(network.sent.map(\.method) == ["GET"])
        #expect(failure.class == .misconfigured)
        #expect(failure.step == .output)
        #expect(failure.exitCode == 74)
        #expect(
            failure.message
                == "holds the credential of another identity, of the account"
                + " \"other\""
        )
        #expect(failure.hint?.contains("\"force\": true") == true)
    }

    @Test func `force replaces another identity's, a newer one too`() async throws {
        let found = try secret(audience: "//other", issuedAt: testDate.advanced(bySeconds: 30))
        let network = network([found], [try secret()])
        let result = await result(try change(.write(Secret("new")), force: true), network)
        #expect(isDone(result), "\(result.outcome)")
        #expect(result.warnings == [])
        #expect(network.sent.map(\.method) == ["GET", "PATCH"])
    }

    /// After an agent has started anew with an edited account, what it wrote before is another identity's.
    @Test(arguments: [("test", -1.0, true), ("test", 60, false), ("other", -1, false)])
    func `an expired one of an account of the same name is`(
        name: String,
        life: Double,
        isReplaced: Bool
    ) async throws {
        let found = try secret(audience: "//other", account: name, livesOn: life)
        let network = network([found], [try secret()])
        let result = await result(try change(.write(Secret("new"))), network)
        #expect(isDone(result) == isReplaced, "\(result.outcome)")
        #expect(network.sent.map(\.method) == (isReplaced ? ["GET", "PATCH"] : ["GET"]))
    }

    @Test func `a service's clock that is ahead dates no credential into the future`() async throws
    {
        let network = network([try secret()], [try secret()])
        let change = try change(.write(Secret("new")), issuedAt: testDate.advanced(bySeconds: 300))
        #expect(isDone(await result(change, network)))
        let annotations = try body(network.sent[1])["metadata"]?["annotations"]
        let mark = try JSON(parsing: Array(#require(annotations?[marker]?.string).utf8))
        #expect(mark["issued"] == .integer(Int64(testDate.secondsSinceEpoch * 1000)))
    }

    @Test func `that of an identity which the account had before is`() async throws {
        let former = try account(["audience": "//other"]).identity.textWithoutSecrets
        let network = network([try secret(audience: "//other")], [try secret()])
        let change = try change(.write(Secret("new")), former: [former])
        #expect(isDone(await result(change, network)))
        #expect(network.sent.map(\.method) == ["GET", "PATCH"])
    }

    /// Seconds from the credential that is written to the one that is there, how long that one lives on,
    /// and whether it stays.
    @Test(arguments: [
        (-1.0, 3600.0, false), (0, 3600, false), (0.002, 3600, true), (60, 3600, true),
        (60, -1, false), (60.002, 3600, false), (3e9, 3e9, false),
    ])
    func `a newer one that lives stays`(age: Double, life: Double, stays: Bool) async throws {
        let found = try secret(
            audience: mondooScope,
            issuedAt: testDate.advanced(bySeconds: age),
            livesOn: life
        )
        let network = network([found], [try secret()])
        let result = await result(try change(.write(Secret("new"))), network)
        #expect(isDone(result), "\(result.outcome)")
        #expect(network.sent.map(\.method) == (stays ? ["GET"] : ["GET", "PATCH"]))
        let note = "acme/mondoo/token holds a newer credential of the account, which is left there"
        #expect(result.warnings == (stays ? [note] : []))
    }

    @Test func `a writer in between is seen, and judged anew`() async throws {
        let conflict = status(409, "the object has been modified")
        let network = network(
            [try secret("7"), try secret("8", audience: "//other")],
            [conflict]
        )
        let failure = try failure(await result(try change(.write(Secret("new"))), network))
        #expect(network.sent.map(\.method) == ["GET", "PATCH", "GET"])
        #expect(failure.message.contains("another identity"))
    }

    @Test func `one that is written all the time is given up after three times`() async throws {
        let network = network([try secret()], [status(409, "the object has been modified")])
        let failure = try failure(await result(try change(.write(Secret("new"))), network))
        #expect(network.sent.count == 6)
        #expect(failure.class == .transient)
        #expect(failure.hint == "something else writes this Secret again and again")
    }
}
