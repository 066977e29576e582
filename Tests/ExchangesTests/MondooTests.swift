import Crypto
import Exchanges
import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct MondooTests {
    @Test func `sends the documented request`() async throws {
        let network = ScriptedTransport([.success(try TestCredential().reply)])
        let subject = SubjectToken(Secret(token()), source: "test")
        let context = exchangeContext(network)
        _ = await context.exchange(subject, for: try account(), findings: [])
        let request = try #require(network.sent.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://mondoo.test/SecureTokenService/ExchangeExternalToken")
        #expect(
            request.headerLines == ["Content-Type: application/json", "Accept: application/json"]
        )
        let body = try JSON(parsing: try #require(request.body).bytes)
        #expect(
            body == [
                "issuer_uri": .string(mondooIssuer), "audience": .string(mondooScope),
                "jwt_token": .string(token()),
            ]
        )
        #expect(request.route == .direct)
        #expect(request.trust == .system(file: nil, directory: nil))
    }

    @Test(
        arguments: [
            ([:], ["HTTPS_PROXY": "http://p", "NO_PROXY": "x"], "http://p", "x"),
            ([:], ["https_proxy": "http://q", "no_proxy": "y"], "http://q", "y"),
            (
                [:], ["MONDOO_API_PROXY": "http://m", "HTTPS_PROXY": "http://p", "NO_PROXY": "x"],
                "http://m", nil
            ),
            (["proxy": "http://a:3128"], ["MONDOO_API_PROXY": "http://m"], "http://a:3128", nil),
        ] as [([String: JSON], [String: String], String, String?)]
    )
    func `the nearest proxy setting counts`(
        _ members: [String: JSON],
        _ environment: [String: String],
        _ url: String,
        _ exceptions: String?
    ) async throws {
        let network = ScriptedTransport([.failure(.refused)])
        let context = exchangeContext(network, environment: environment)
        let subject = SubjectToken(Secret(token()), source: "test")
        _ = await context.exchange(subject, for: try account(members), findings: [])
        let expected = ProxySettings(url: url, noProxy: exceptions)
        #expect(network.sent.first?.route == .proxied(expected))
    }

    @Test func `the environment's https proxy is not for plain http`() async throws {
        let network = ScriptedTransport([.failure(.refused)])
        let context = exchangeContext(network, environment: ["HTTPS_PROXY": "http://p"])
        let account = try account(["universeDomain": "http://127.0.0.1:1"])
        let subject = SubjectToken(Secret(token()), source: "test")
        _ = await context.exchange(subject, for: account, findings: [])
        #expect(network.sent.first?.route == .direct)
    }

    @Test func `certificate settings come from the job`() async throws {
        let network = ScriptedTransport([.failure(.refused)])
        let environment = ["SSL_CERT_FILE": "/f", "SSL_CERT_DIR": "/d"]
        let subject = SubjectToken(Secret(token()), source: "test")
        let context = exchangeContext(network, environment: environment)
        _ = await context.exchange(subject, for: try account(), findings: [])
        #expect(network.sent.first?.trust == .system(file: "/f", directory: "/d"))
    }

    @Test(arguments: [
        ("/nowhere/ca.pem", "cannot be read: No such file"), ("/etc", "is a directory"),
        ("/etc/hostname", "holds no PEM certificate"),
    ])
    func `a CA file that is none is the account's error`(
        _ path: String,
        _ text: String
    ) async throws {
        let result = try await exchange(.failure(.refused), account: ["caFile": .string(path)])
        #expect(result.failure?.class == .misconfigured)
        #expect(result.failure?.message.contains(text) == true, "\(result)")
    }
}

/// What each answer that is no credential means.
@Suite(.timeLimit(.minutes(1)))
struct MondooFailureTests {
    @Test(arguments: [
        (1, 408, Failure.Class.transient), (2, 500, .transient), (3, 400, .refused),
        (4, 504, .transient), (5, 404, .refused), (6, 409, .refused), (7, 403, .refused),
        (8, 429, .throttled), (9, 412, .refused), (10, 409, .transient), (11, 400, .refused),
        (12, 501, .refused), (13, 500, .transient), (14, 503, .transient), (15, 500, .transient),
        (16, 401, .refused), (16, 500, .refused), (14, 400, .transient),
    ])
    func `the body's code decides before the status does`(
        _ code: Int,
        _ status: Int,
        _ class: Failure.Class
    ) async throws {
        let body = #"{"code":\#(code),"message":"token is\n expired","details":[]}"#
        let result = try await exchange(.success(.text(status, body)))
        let failure = try #require(result.failure)
        #expect(failure.class == `class`)
        #expect(failure.step == .exchange)
        #expect(failure.message.contains("token is  expired (code \(code), status \(status))"))
    }

    @Test(arguments: [
        (301, Failure.Class.refused), (302, .refused), (400, .refused), (401, .refused),
        (403, .refused), (404, .refused), (408, .transient), (429, .throttled), (500, .transient),
        (501, .refused), (502, .transient), (503, .transient), (504, .transient),
        (204, .transient),
    ])
    func `a balancer's page falls back to the status`(
        _ status: Int,
        _ class: Failure.Class
    ) async throws {
        for body in ["", "<html>Bad Gateway</html>", "{}", #"{"code":99}"#] {
            let result = try await exchange(.success(.text(status, body)))
            #expect(result.failure?.class == `class`, "\(body)")
            #expect(result.failure?.message.contains("\(status)") == true)
        }
    }

    @Test func `Retry-After is passed on and makes an outage a throttling`() async throws {
        let result = try await exchange(.success(.text(503, "", [("retry-after", "17")])))
        #expect(result.failure?.class == .throttled)
        #expect(result.failure?.retryAfter == 17)
    }

    @Test func `a refusal shows the claims and never the token`() async throws {
        let body = #"{"code":16,"message":"no"}"#
        let result = try await exchange(
            .success(.text(401, body)),
            token: token(secondsLeft: 120, issuer: "\(mondooIssuer)/")
        )
        let message = try #require(result.failure?.message)
        for text in [
            "iss https://accounts.google.com/", "sub subject-1", "aud \(mondooScope)", "age 60 s",
            "120 s left", "likely because the token has 120 s left", "trailing slash alone",
        ] {
            #expect(message.contains(text), "\(message)")
        }
        #expect(!message.contains("eyJ"))
    }

    @Test(arguments: [
        (HTTPError.Kind.unresolved, Failure.Class.transient, Failure.Step.exchange),
        (.unreachable, .transient, .exchange), (.timedOut(.receive), .transient, .exchange),
        (.tls(.expired), .transient, .exchange), (.proxy, .transient, .exchange),
        (.interrupted, .transient, .exchange), (.tooLarge, .transient, .reply),
        (.malformed, .transient, .reply), (.invalidRequest, .misconfigured, .exchange),
        (.trustStore(path: "/x"), .misconfigured, .exchange),
    ])
    func `no reply at all is classed by its reason`(
        _ kind: HTTPError.Kind,
        _ class: Failure.Class,
        _ step: Failure.Step
    ) async throws {
        let error = HTTPError(kind, url: "https://mondoo.test/x", detail: "because")
        let result = try await exchange(.failure(error))
        #expect(result.failure?.class == `class`)
        #expect(result.failure?.step == step)
        #expect(error.hint == nil || result.failure?.hint == error.hint)
    }
}
