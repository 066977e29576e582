import Exchanges
import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import Testing
import Text

private let typePrefix = "urn:ietf:params:oauth:token-type:"
let oauthAccount: [String: JSON] = ["tokenUrl": "https://sts.test/token", "audience": "api"]
let brightAccount: [String: JSON] = ["service": "bright", "projectId": "p1"]
let conductorOneAccount: [String: JSON] = ["clientId": "a-bear@acme.conductor.one/wfe"]

func tokenAccount(_ members: [String: JSON]) throws -> Account {
    let all = members.merging(["type": "external_account"]) { own, _ in own }
    return try Account(
        parsing: Secret(JSON.object(all).serialized()),
        path: "/etc/wif-agent/test.json"
    )
}

private func exchanged(
    _ members: [String: JSON],
    _ network: ScriptedTransport,
    token text: String = token()
) async throws -> Exchange {
    let subject = SubjectToken(Secret(text), source: "test")
    let account = try tokenAccount(members)
    let context = exchangeContext(network)
    let found = findings(of: subject, for: account, at: testDate)
    return await context.exchange(subject, for: account, findings: found)
}

private func exchanged(
    _ members: [String: JSON] = oauthAccount,
    reply body: String,
    status: Int = 200,
    headers: [(String, String)] = [],
    token text: String = token()
) async throws -> Exchange {
    let reply = HTTPResponse.text(status, body, [("date", testDateHeader)] + headers)
    return try await exchanged(members, ScriptedTransport([.success(reply)]), token: text)
}

private let fine = #"{"access_token":"abc","token_type":"Bearer","expires_in":1800}"#

@Suite(.timeLimit(.minutes(1)))
struct TokenExchangeRequestTests {
    private static let form = "application/x-www-form-urlencoded"
    private static let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
    private static let type = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A"

    /// Account, URL, media type, body; TOKEN stands for the subject token.
    static let rows: [([String: JSON], String, String, String)] = [
        (
            oauthAccount, "https://sts.test/token", form,
            "grant_type=\(grant)&audience=api&subject_token=TOKEN&subject_token_type=\(type)jwt"
        ),
        (
            oauthAccount.merging([
                "audience": ["a", "b"], "resource": ["https://r/1", "https://r/2"],
                "scopes": ["x", "y z"], "clientId": "me&you", "requestedTokenType": "urn:t",
                "subjectTokenType": "urn:s",
            ]) { $1 }, "https://sts.test/token", form,
            "grant_type=\(grant)&audience=a&audience=b&resource=https%3A%2F%2Fr%2F1"
                + "&resource=https%3A%2F%2Fr%2F2&scope=x%20y%20z&requested_token_type=urn%3At"
                + "&subject_token=TOKEN&subject_token_type=urn%3As&client_id=me%26you"
        ),
        (
            oauthAccount.merging(["audience": ["a", "b"], "requestFormat": "json"]) { $1 },
            "https://sts.test/token", "application/json",
            #"{"audience":["a","b"],"grant_type":"urn:ietf:params:oauth:grant-type:token-exchange","#
                + #""subject_token":"TOKEN","subject_token_type":"\#(typePrefix)jwt"}"#
        ),
        (
            conductorOneAccount, "https://acme.conductor.one/auth/v1/token", form,
            "grant_type=\(grant)&subject_token=TOKEN&subject_token_type=\(type)jwt"
                + "&client_id=a-bear%40acme.conductor.one%2Fwfe"
        ),
        (
            brightAccount, "https://app.brightsec.com/api/v1/token", "application/json",
            #"{"grant_type":"urn:ietf:params:oauth:grant-type:token-exchange","#
                + #""resource":"https://app.brightsec.com/api/v1/projects/p1","#
                + #""subject_token":"TOKEN","subject_token_type":"\#(typePrefix)id_token"}"#
        ),
        (
            [
                "universe_domain": "googleapis.com", "audience": "//iam.googleapis.com/x",
                "workforcePoolUserProject": "7",
            ], "https://sts.googleapis.com/v1/token", form,
            "grant_type=\(grant)&audience=%2F%2Fiam.googleapis.com%2Fx"
                + "&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"
                + "&requested_token_type=\(type)access_token&subject_token=TOKEN"
                + "&subject_token_type=\(type)jwt&options=%257B%2522userProject%2522%253A%25227%2522%257D"
        ),
    ]

    @Test(arguments: rows)
    func `what is sent`(
        members: [String: JSON],
        url: String,
        type: String,
        body: String
    ) async throws {
        let network = ScriptedTransport([.success(.text(200, fine))])
        _ = try await exchanged(members, network)
        let request = try #require(network.sent.first)
        #expect(request.method == "POST")
        #expect(request.url == url)
        #expect(request.headerLines == ["Content-Type: \(type)", "Accept: application/json"])
        let sent = try #require(request.body).text.split(separator: token())
        #expect(sent.joined(separator: "TOKEN") == body)
    }

    @Test func `a service account is impersonated with the federated token`() async throws {
        let url = "https://iam.test/v1/projects/-/serviceAccounts/a@b:generateAccessToken"
        let network = ScriptedTransport { (request, _) in
            if request.url == url {
                let body = #"{"accessToken":"sa","expireTime":"2024-01-02T03:24:05Z"}"#
                return .text(200, body, [("date", testDateHeader)])
            }
            return .text(200, fine, [("date", testDateHeader)])
        }
        let members = oauthAccount.merging(["serviceAccountImpersonationUrl": .string(url)]) { $1 }
        let result = try await exchanged(members, network)
        #expect(result.credential?.value.text == "sa")
        #expect(result.credential?.lifetime == 1200)
        let request = try #require(network.sent.last)
        #expect(request.headerLines.contains("Authorization: Bearer abc"))
        #expect(
            request.body?.text
                == #"{"delegates":[],"lifetime":"3600s","#
                + #""scope":["https://www.googleapis.com/auth/cloud-platform"]}"#
        )
    }
}

/// What a reply with status 200 must be.
@Suite(.timeLimit(.minutes(1)))
struct TokenExchangeReplyTests {
    private static let claims = #"{"exp":1704165245,"iss":"x"}"#

    /// Body, lifetime in seconds.
    static let good: [(String, Double)] = [
        (fine, 1800), (#"{"access_token":"abc","token_type":"bearer","expires_in":"3599"}"#, 3599),
        (#"{"access_token":"abc"}"#, 3600), (#"{"access_token":"abc","expires_in":null}"#, 3600),
        (#"{"access_token":"abc","token_type":"N_A","expires_in":1.5}"#, 1.5),
        (#"{"access_token":"\#(unsignedJWT(claims))"}"#, 600),
        (#"{"access_token":"\#(unsignedJWT(claims))","expires_in":60}"#, 60),
        (
            #"{"access_token":"abc","issued_token_type":"urn:ietf:params:oauth:token-type:jwt","#
                + #""refresh_token":"r","scope":"s"}"#, 3600
        ),
        (#"{"access_token":"\#(String(repeating: "a", count: 65_536))"}"#, 3600),
    ]

    @Test(arguments: good)
    func `a token with its lifetime`(body: String, lifetime: Double) async throws {
        let result = try await exchanged(reply: body)
        #expect(result.failure == nil)
        #expect(result.credential?.lifetime == lifetime)
        #expect(result.credential?.issuedAt == testDate)
        guard case .accessToken(_, let scheme)? = result.credential?.kind else { return }
        #expect(scheme == "Bearer")
    }

    // One that was refused for ever would have left the account without a credential.
    @Test(arguments: [
        (#"{"access_token":"a","expires_in":1e300}"#, "expires_in is 1000000000000000 s"),
        (#"{"access_token":"a","expires_in":31536001}"#, "expires_in is 31536001 s"),
        (
            #"{"access_token":"\#(unsignedJWT(#"{"exp":1735700646}"#))"}"#,
            "the access token's exp leaves 31536001 s"
        ),
    ])
    func `more than a year is taken as a year`(_ body: String, _ what: String) async throws {
        let result = try await exchanged(reply: body)
        #expect(result.credential?.lifetime == 31_536_000)
        #expect(result.warnings == ["\(what); it is taken as a year"])
    }

    @Test func `Bright's token goes by its own scheme`() async throws {
        let result = try await exchanged(brightAccount, reply: #"{"access_token":"k"}"#)
        #expect(result.credential?.kind == .accessToken(type: "Bearer", scheme: "Api-Key"))
    }

    /// Body, what the message says.
    static let bad: [(String, String)] = [
        ("", "the reply is empty"), ("<html>Sign in</html>", "the reply is not JSON"),
        ("[]", "the reply is an array"), ("{}", "the reply has no access_token"),
        (#"{"access_token":null}"#, "the reply has no access_token"),
        (#"{"access_token":7}"#, "access_token is a number, not a string"),
        (#"{"access_token":""}"#, "access_token is empty"),
        (#"{"access_token":"a\nb"}"#, "access_token holds characters"),
        (#"{"access_token":"a b"}"#, "access_token holds characters"),
        (#"{"access_token":"é"}"#, "access_token holds characters"),
        (#"{"access_token":"\#(String(repeating: "a", count: 65_537))"}"#, "is over 65536 bytes"),
        (#"{"access_token":"a","token_type":"DPoP"}"#, "token_type is \"DPoP\""),
        (#"{"access_token":"a","token_type":1}"#, "token_type is a number"),
        (#"{"access_token":"a","issued_token_type":1}"#, "issued_token_type is a number"),
        (#"{"access_token":"a","expires_in":0}"#, "expires_in is 0 s"),
        (#"{"access_token":"a","expires_in":-5}"#, "expires_in is -5 s"),
        (#"{"access_token":"a","expires_in":-1e300}"#, "which no token lives"),
        (#"{"access_token":"a","expires_in":"NaN"}"#, "expires_in is a string"),
        (#"{"access_token":"a","expires_in":true}"#, "expires_in is a boolean"),
        (#"{"access_token":"a","expires_in":"soon"}"#, "expires_in is a string"),
        (#"{"access_token":"\#(unsignedJWT(#"{"exp":1}"#))"}"#, "the access token's exp leaves"),
    ]

    @Test(arguments: bad)
    func `anything else is an error of the reply`(body: String, text: String) async throws {
        let result = try await exchanged(reply: body, headers: [("content-type", "text/html")])
        let failure = try #require(result.failure)
        #expect(failure.class == .transient)
        #expect(failure.step == .reply)
        #expect(failure.message.contains(text), "\(failure.message)")
        #expect(failure.hint?.contains("proxy") == true)
    }

    @Test(arguments: [
        (200, "s3cret-token-of-24-letters"), (200, #"{"access_token":"s3cret-token"#),
        (201, #"{"access_token":"s3cret-token","expires_in":60}"#),
        (200, #"{"error":"x","access_token":"s3cret-token"}"#),
        (500, #"{"accessToken":"s3cret-token"}"#),
    ])
    func `no message shows what may be a token`(status: Int, body: String) async throws {
        let failure = try #require(try await exchanged(reply: body, status: status).failure)
        #expect(!failure.description.contains("s3cret"), "\(failure)")
    }

    @Test func `another kind of token than was asked for is refused`() async throws {
        let members = oauthAccount.merging(["requestedTokenType": "urn:x"]) { $1 }
        let body = #"{"access_token":"a","issued_token_type":"urn:y"}"#
        let result = try await exchanged(members, reply: body)
        #expect(result.failure?.message.contains("urn:x was requested") == true)
    }
}

/// What each answer that is no token means, and the advice.
@Suite(.timeLimit(.minutes(1)))
struct TokenExchangeRefusalTests {
    static let classes: [(Int, String, Failure.Class)] = [
        (400, #"{"error":"invalid_grant"}"#, .refused),
        (500, #"{"error":"invalid_grant"}"#, .refused),
        (200, #"{"error":"invalid_request"}"#, .refused),
        (400, #"{"error":"temporarily_unavailable"}"#, .transient),
        (400, #"{"error":"server_error"}"#, .transient),
        (429, #"{"error":"invalid_request"}"#, .throttled), (429, "", .throttled),
        (400, #"{"error":"slow_down"}"#, .throttled), (400, #"{"error":"odd"}"#, .refused),
        (503, #"{"error":"odd"}"#, .transient), (408, "", .transient), (425, "", .transient),
        (403, "<html>", .refused), (404, "", .refused), (501, "", .refused), (502, "", .transient),
        (302, "", .refused), (204, "", .transient),
        (500, #"{"code":16,"message":"no"}"#, .refused),
        (400, #"{"code":14,"message":"no"}"#, .transient),
        (401, #"{"statusCode":401,"message":"no","error":"Unauthorized"}"#, .refused),
        (403, #"{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}"#, .refused),
    ]

    @Test(arguments: classes)
    func `the body decides before the status does`(
        status: Int,
        body: String,
        class: Failure.Class
    ) async throws {
        let result = try await exchanged(reply: body, status: status)
        #expect(result.failure?.class == `class`)
        #expect(result.failure?.step == .exchange)
        #expect(result.credential == nil)
    }

    @Test func `Retry-After as a date is held against the service's clock`() async throws {
        let date = ("retry-after", "Tue, 02 Jan 2024 03:05:05 GMT")
        let result = try await exchanged(reply: "", status: 429, headers: [date])
        #expect(result.failure?.class == .throttled)
        #expect(result.failure?.retryAfter == 60)
    }

    @Test func `a redirect is not followed, and says so`() async throws {
        let location = ("location", "https://evil.test/")
        let result = try await exchanged(reply: "", status: 307, headers: [location])
        #expect(result.failure?.message.contains("redirect (307)") == true)
    }

    @Test func `a flood of strange text is cut and cleaned`() async throws {
        let text = #"\u0007\u001b[31m"# + String(repeating: "x", count: 900_000)
        let body = #"{"error":"invalid_grant","error_description":"\#(text)"}"#
        let message = try #require(
            try await exchanged(reply: body, status: 400).failure?.message
        )
        #expect(message.utf8.count < 1500)
        #expect(message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
    }

    /// Account, what the service says, what the advice names.
    static let advice: [([String: JSON], String, String, String)] = [
        (conductorOneAccount, "invalid_client", "no such client", "a-bear@acme.conductor.one/wfe"),
        (conductorOneAccount, "invalid_grant", "CEL condition is false", "sub is subject-1"),
        (
            conductorOneAccount, "invalid_grant", "signature is bad",
            "/.well-known/openid-configuration"
        ),
        (conductorOneAccount, "invalid_grant", "issuer unknown", "trust whose issuer is https://i"),
        (conductorOneAccount, "invalid_grant", "ip address", "addresses"),
        (conductorOneAccount, "invalid_grant", "iat is too old", "600 s"),
        (brightAccount, "invalid_grant", "no matching WIF configuration", "Federated Credentials"),
        (brightAccount, "invalid_request", "ambiguous: more than one project", "the resource is"),
        (["service": "bright"], "invalid_request", "matches multiple projects", "set projectId"),
        (brightAccount, "invalid_target", "", "write in projectId"),
        (oauthAccount, "invalid_request", "Invalid value for \"audience\".", "full resource name"),
        (oauthAccount, "invalid_target", "", "disabled"),
        (
            oauthAccount, "unauthorized_client", "rejected by the attribute condition",
            "sub is subject-1"
        ),
        (oauthAccount, "invalid_grant", "ID Token is stale", "a new token each time"),
        (oauthAccount, "unsupported_grant_type", "", "the grant token-exchange"),
        (oauthAccount, "invalid_scope", "", "scopes"),
        (oauthAccount, "invalid_grant", "", "issuer, audience and subject"),
    ]

    @Test(arguments: advice)
    func `each entry of the services' lists is answered`(
        members: [String: JSON],
        code: String,
        text: String,
        advice: String
    ) async throws {
        let json: JSON = ["error": .string(code), "error_description": .string(text)]
        let body = String(decoding: json.serialized(), as: UTF8.self)
        let fitting = unsignedJWT(
            #"{"iss":"https://i","sub":"subject-1","aud":["acme.conductor.one"],"iat":1704164600,"#
                + #""exp":1704164900}"#
        )
        let result = try await exchanged(members, reply: body, status: 400, token: fitting)
        let failure = try #require(result.failure)
        #expect(failure.hint?.contains(advice) == true, "\(failure.hint ?? "none")")
        for claim in ["iss https://i", "sub subject-1", "aud acme", "age 45 s", "255 s left"] {
            #expect(failure.message.contains(claim), "\(failure.message)")
        }
        #expect(!failure.message.contains("eyJ"))
    }

    static let findings: [(String, String, String)] = [
        (#""aud":"acme.conductor.one","iat":1704164045,"exp":1704168245"#, "", ""),
        (
            #""aud":"acme.conductor.one","iat":1704164044,"exp":1704168245"#, "601 s old",
            "new token"
        ),
        (
            #""aud":"other","iat":1704164600,"exp":1704168245"#, "audience other",
            "acme.conductor.one"
        ),
        (#""iat":1704164600,"exp":1704168245"#, "audience none", "acme.conductor.one"),
        (#""aud":"acme.conductor.one","iat":1704164600,"exp":1704164645"#, "expired 0 s", "clock"),
    ]

    @Test(arguments: findings)
    func `ConductorOne's rules are looked at before`(
        claims: String,
        text: String,
        hint: String
    ) async throws {
        let subject = SubjectToken(Secret(unsignedJWT("{\(claims)}")), source: "test")
        let found = Exchanges.findings(
            of: subject,
            for: try tokenAccount(conductorOneAccount),
            at: testDate
        )
        #expect(found.count == (text.isEmpty ? 0 : 1))
        guard let finding = found.first else { return }
        #expect(finding.text.contains(text), "\(finding.text)")
        #expect(finding.hint?.contains(hint) == true)
        let body = #"{"error":"invalid_grant"}"#
        let result = try await exchanged(
            conductorOneAccount,
            reply: body,
            status: 400,
            token: subject.value.text
        )
        #expect(result.failure?.message.contains("likely because the token") == true)
        // The reply's date agrees with this machine's clock.
        #expect(result.failure?.hint == finding.withRightClock.hint)
    }
}
