import Exchanges
import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

/// What other grants than the token exchange send, and what is read from the replies.
@Suite(.timeLimit(.minutes(1)))
struct GrantTests {
    private static let form = "application/x-www-form-urlencoded"
    private static let assertionType =
        "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"

    private static let base: [String: JSON] = [
        "type": "external_account", "service": "oauth", "tokenUrl": "https://sts.test/token",
        "universeDomain": .null, "issuerUri": .null, "audience": "a",
    ]

    /// Keys, content type, body.
    static let rows: [([String: JSON], String, String)] = [
        (
            ["grant": "jwt-bearer", "scopes": ["x", "y"], "clientId": "c"], form,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&scope=x%20y"
                + "&assertion=TOKEN&client_id=c"
        ),
        (
            ["grant": "jwt-bearer", "requestFormat": "json", "parameters": ["rule_id": "r 1"]],
            "application/json",
            #"{"assertion":"TOKEN","grant_type":"urn:ietf:params:oauth:grant-type:jwt-bearer","#
                + #""rule_id":"r 1"}"#
        ),
        (
            ["grant": "client-credentials", "clientId": "c", "scopes": "https://r/.default"], form,
            "grant_type=client_credentials&scope=https%3A%2F%2Fr%2F.default"
                + "&client_assertion_type=\(assertionType)&client_assertion=TOKEN&client_id=c"
        ),
        (
            ["grant": "login", "parameters": ["role": "r"]], "application/json",
            #"{"jwt":"TOKEN","role":"r"}"#
        ),
        (
            [
                "grant": "login", "tokenName": "id_token", "requestFormat": "form",
                "parameters": ["identity": "a&b"],
            ], form, "id_token=TOKEN&identity=a%26b"
        ),
        (
            ["parameters": ["identity_provider_id": "i"], "requestFormat": "json"],
            "application/json",
            #"{"audience":"a","grant_type":"urn:ietf:params:oauth:grant-type:token-exchange","#
                + #""identity_provider_id":"i","subject_token":"TOKEN","#
                + #""subject_token_type":"urn:ietf:params:oauth:token-type:jwt"}"#
        ),
    ]

    @Test(arguments: rows)
    func `what is sent`(members: [String: JSON], type: String, body: String) async throws {
        let request = try await sent(members)
        #expect(request.method == "POST")
        #expect(request.url == "https://sts.test/token")
        #expect(request.headerLines == ["Content-Type: \(type)", "Accept: application/json"])
        let parts = try #require(request.body).text.split(separator: token())
        #expect(parts.joined(separator: "TOKEN") == body)
    }

    @Test func `a bearer goes in the header, the parameters in the query`() async throws {
        let request = try await sent([
            "grant": "bearer", "parameters": ["scope": "acme/app", "identity": "a b"],
        ])
        #expect(request.method == "GET")
        #expect(request.url == "https://sts.test/token?identity=a%20b&scope=acme%2Fapp")
        #expect(request.body == nil)
        #expect(
            request.headerLines == ["Accept: application/json", "Authorization: Bearer \(token())"]
        )
    }

    private func sent(_ members: [String: JSON]) async throws -> HTTPRequest {
        let network = ScriptedTransport([
            .success(.text(200, #"{"access_token":"abc","expires_in":60}"#))
        ])
        let subject = SubjectToken(Secret(token()), source: "test")
        let account = try account(Self.base.merging(members) { $1 })
        let context = exchangeContext(network)
        _ = await context.exchange(subject, for: account, findings: [])
        return try #require(network.sent.first)
    }

    /// The shape, a reply, the credential, its lifetime.
    static let replies: [(JSON, String, String, Double)] = [
        (
            ["credential": "auth.client_token", "lifetime": "auth.lease_duration"],
            #"{"auth":{"client_token":"hvs.x","lease_duration":900},"lease_duration":0}"#, "hvs.x",
            900
        ),
        (["credential": "token"], #"{"token":"ghs_x"}"#, "ghs_x", 3600),
        (
            ["credential": "token", "lifetime": "expires_at"],
            #"{"token":"x","expires_at":"2024-01-02T03:24:05Z"}"#, "x", 1200
        ),
        (
            ["credential": "token", "lifetime": "ttl"], #"{"token":"x","ttl":"60"}"#, "x", 60
        ),
    ]

    @Test(arguments: replies)
    func `the credential is where the account says`(
        shape: JSON,
        body: String,
        value: String,
        lifetime: Double
    ) async throws {
        let result = try await exchange(
            .success(.text(200, body, [("date", testDateHeader)])),
            account: Self.base.merging(["response": shape]) { $1 }
        )
        #expect(result.credential?.value.text == value)
        #expect(result.credential?.lifetime == lifetime)
    }

    /// A reply, the class and the message's end.
    static let failures: [(Int, String, Failure.Class, String)] = [
        (200, #"{"auth":null}"#, .transient, "the reply has no auth.client_token"),
        (200, #"{"auth":{"client_token":7}}"#, .transient, "auth.client_token is a number"),
        (
            200, #"{"auth":{"client_token":"x","ttl":"soon"}}"#, .transient,
            "auth.ttl is a string, not seconds"
        ),
        (
            400, #"{"errors":["error validating token","b"]}"#, .refused,
            "error: error validating token; b (status 400)"
        ),
        (503, #"{"errors":["Vault is sealed"]}"#, .transient, "Vault is sealed (status 503)"),
        (
            401,
            #"{"type":"error","error":{"type":"authentication_error","message":"no rule"}}"#,
            .refused, "authentication_error: no rule (status 401)"
        ),
    ]

    @Test(arguments: failures)
    func `a reply without one is told of`(
        status: Int,
        body: String,
        class: Failure.Class,
        text: String
    ) async throws {
        let shape: JSON = ["credential": "auth.client_token", "lifetime": "auth.ttl"]
        let result = try await exchange(
            .success(.text(status, body)),
            account: Self.base.merging(["grant": "login", "response": shape]) { $1 }
        )
        let failure = try #require(result.failure)
        #expect(failure.class == `class`)
        #expect(failure.message.contains(text), "\(failure.message)")
    }
}

/// The platform's token as the credential.
@Suite(.timeLimit(.minutes(1)))
struct PlatformTokenTests {
    private static let base: [String: JSON] = [
        "type": "external_account", "service": "token", "universeDomain": .null,
        "issuerUri": .null, "audience": "a",
    ]

    private func passed(
        _ text: String,
        _ members: [String: JSON] = [:],
        isRenewable: Bool = true,
        wallClock: WallTime = testDate
    ) async throws -> Exchange {
        let account = try account(Self.base.merging(members) { $1 })
        let context = exchangeContext(ScriptedTransport([]), wallClock: wallClock)
        let subject = SubjectToken(Secret(text), source: "test", isRenewable: isRenewable)
        return await context.exchange(subject, for: account, findings: [])
    }

    @Test func `it lives until its exp`() async throws {
        let credential = try #require(try await passed(token(secondsLeft: 900)).credential)
        #expect(credential.lifetime == 900)
        #expect(credential.value.text == token(secondsLeft: 900))
        #expect(credential.kind == .accessToken(type: "Bearer", scheme: "Bearer"))
    }

    @Test func `never longer than from iat to exp, however wrong the clock`() async throws {
        let behind = testDate.advanced(bySeconds: -86_400)
        let result = try await passed(token(secondsLeft: 900), wallClock: behind)
        #expect(result.credential?.lifetime == 960)
    }

    @Test func `without exp for the account's lifetime, which is said`() async throws {
        let opaque = try await passed("opaque", ["lifetime": 77])
        #expect(opaque.credential?.lifetime == 77)
        #expect(opaque.warnings == ["the token is not a JWT: it is taken to live 77 s (lifetime)"])
        let endless = try await passed(unsignedJWT(#"{"iss":"i"}"#), ["lifetime": 77])
        #expect(endless.credential?.lifetime == 77)
        #expect(endless.warnings == ["the token has no exp: it is taken to live 77 s (lifetime)"])
    }

    @Test(arguments: [(true, Failure.Class.transient), (false, .noSource)])
    func `an expired one is none`(isRenewable: Bool, class: Failure.Class) async throws {
        let result = try await passed(token(secondsLeft: -5), isRenewable: isRenewable)
        let failure = try #require(result.failure)
        #expect(failure.class == `class`)
        #expect(failure.message.contains("expired 5 s ago by this machine's clock"))
    }

    @Test func `one of another issuer is refused, for nobody else judges it`() async throws {
        let result = try await passed(token(), ["issuerUri": "https://other.example"])
        #expect(result.failure?.class == .noSource)
        let same = try await passed(token(), ["issuerUri": .string(mondooIssuer + "/")])
        #expect(same.failure == nil)
    }
}
