import Exchanges
import Federation
import HTTP
import Kernel
import NetworkTestSupport
import Testing
import Text

/// RFC 7009.
@Suite(.timeLimit(.minutes(1)))
struct RevocationTests {
    private func revoke(
        _ members: [String: JSON],
        _ reply: Result<HTTPResponse, HTTPError>
    ) async throws -> (ScriptedTransport, Failure?) {
        let network = ScriptedTransport([reply])
        do throws(Failure) {
            let account: Account
            do { account = try tokenAccount(members) } catch {
                throw Failure(.misconfigured, at: .account, "\(error)")
            }
            try await exchangeContext(network).revoke(Secret("tok"), for: account)
            return (network, nil)
        } catch {
            return (network, error)
        }
    }

    private static let revocable = oauthAccount.merging(["revokeUrl": "https://sts.test/revoke"]) {
        $1
    }

    static let requests: [([String: JSON], String, String)] = [
        (
            brightAccount, "https://app.brightsec.com/api/v1/revoke",
            #"{"token":"tok","token_type_hint":"access_token"}"#
        ),
        (revocable, "https://sts.test/revoke", "token=tok&token_type_hint=access_token"),
    ]

    @Test(arguments: requests)
    func `what is sent`(members: [String: JSON], url: String, body: String) async throws {
        let (network, failure) = try await revoke(members, .success(.text(200)))
        #expect(failure == nil)
        #expect(network.sent.first?.url == url)
        #expect(network.sent.first?.body?.text == body)
    }

    static let replies: [(Int, String, Failure.Class?)] = [
        (200, "anything", nil), (204, "", nil), (503, "", .transient),
        (400, #"{"error":"unsupported_token_type"}"#, .refused), (404, "", .refused),
        (302, "", .refused), (429, "", .throttled), (500, "<html>", .transient),
    ]

    @Test(arguments: replies)
    func `what the answer means`(status: Int, body: String, class: Failure.Class?) async throws {
        let (_, failure) = try await revoke(Self.revocable, .success(.text(status, body)))
        #expect(failure?.class == `class`)
        #expect(failure == nil || failure?.step == .revoke)
        #expect(failure?.message.contains("tok ") != true)
    }

    @Test func `503 with Retry-After is to be tried later`() async throws {
        let reply = HTTPResponse.text(503, "", [("retry-after", "9")])
        let (_, failure) = try await revoke(brightAccount, .success(reply))
        #expect(failure?.class == .throttled)
        #expect(failure?.retryAfter == 9)
    }

    @Test func `no reply at all is transient, and the step is the revocation`() async throws {
        let (_, failure) = try await revoke(brightAccount, .failure(.refused))
        #expect(failure?.class == .transient)
        #expect(failure?.step == .revoke)
    }

    @Test func `a service that cannot is not asked`() async throws {
        let (network, failure) = try await revoke(conductorOneAccount, .success(.text(200)))
        #expect(failure?.class == .misconfigured)
        #expect(network.sent.isEmpty)
    }
}
