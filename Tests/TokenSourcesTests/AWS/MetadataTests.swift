import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

@testable import TokenSources

@Suite(.timeLimit(.minutes(1)))
struct AWSMetadataTests {
    private static let base = "http://169.254.169.254/latest"
    private static let happy: [(String, HTTPResponse)] = [
        ("PUT", .text(200, "secret-token")), ("placement/region", .text(200, "eu-south-1\n")),
        ("security-credentials/my-role", keyReply("ID")),
        ("security-credentials/", .text(200, "my-role\nother")),
    ]

    private func source(_ network: ScriptedTransport, _ variables: [String: String] = [:]) async
        -> Failure?
    {
        await failure(.aws(AWSSource()), context(network, environment: variables))
    }

    @Test func `version 2 is spoken as documented`() async throws {
        let network = amazon(Self.happy)
        let token = try await context(network).subjectToken(from: .aws(AWSSource())).token
        #expect(try signer(of: token) == ("ID", "sts.eu-south-1.amazonaws.com"))
        #expect(
            network.sent.prefix(3).map { "\($0.method) \($0.url)" } == [
                "PUT \(Self.base)/api/token",
                "GET \(Self.base)/meta-data/iam/security-credentials/",
                "GET \(Self.base)/meta-data/iam/security-credentials/my-role",
            ]
        )
        #expect(network.sent[0].headerLines == ["x-aws-ec2-metadata-token-ttl-seconds: 300"])
        for request in network.sent where request.method == "GET" {
            #expect(request.headerLines == ["x-aws-ec2-metadata-token: secret-token"])
        }
        #expect(network.sent.allSatisfy { $0.route == .direct && $0.connectTimeout == 1 })
    }

    static let endpoints: [([String: String], String)] = [
        (["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:8/"], "http://127.0.0.1:8"),
        (["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"], "http://[fd00:ec2::254]"),
        (["AWS_IMDS_USE_IPV6": "true"], "http://[fd00:ec2::254]"),
        (["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv4"], "http://169.254.169.254"),
    ]

    @Test(arguments: endpoints)
    func `variables name another endpoint`(variables: [String: String], base: String) async throws {
        let network = amazon(Self.happy)
        _ = try await context(network, environment: variables)
            .subjectToken(from: .aws(AWSSource()))
        #expect(network.sent.allSatisfy { $0.url.hasPrefix(base + "/latest/") })
    }

    @Test func `an endpoint elsewhere needs https`() async {
        let error = await source(
            amazon([]),
            ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://imds.example"]
        )
        #expect(error?.class == .misconfigured)
    }

    static let refusals: [(String, [(String, HTTPResponse)], Failure.Class, String)] = [
        ("no role", [("PUT", .text(200, "t")), ("GET", .text(404))], .noSource, "has no role"),
        (
            "empty list", [("PUT", .text(200, "t")), ("GET", .text(200, "\n"))], .noSource,
            "has no role"
        ),
        (
            "a list that is none", [("PUT", .text(200, "t")), ("GET", .text(200, "<html>"))],
            .noSource, "not a list of roles"
        ),
        ("turned off", [("PUT", .text(403))], .noSource, "status 403"),
        ("another cloud's", [("PUT", .text(405))], .noSource, "status 405"),
        ("no token", [("PUT", .text(200, "<p>x y</p>"))], .noSource, "is not a token"),
        (
            "role without trust",
            [
                ("PUT", .text(200, "t")),
                ("credentials/r", .text(200, #"{"Code":"AssumeRoleUnauthorizedAccess"}"#)),
                ("GET", .text(200, "r")),
            ], .noSource, "AssumeRoleUnauthorizedAccess"
        ),
        (
            "no JSON",
            [
                ("PUT", .text(200, "t")), ("credentials/r", .text(200, "x")),
                ("GET", .text(200, "r")),
            ],
            .transient, "not JSON"
        ),
        (
            "half a key",
            [
                ("PUT", .text(200, "t")), ("credentials/r", .text(200, #"{"AccessKeyId":"x"}"#)),
                ("GET", .text(200, "r")),
            ], .noSource, "no SecretAccessKey"
        ),
        ("down", [("PUT", .text(503))], .transient, "status 503"),
    ]

    @Test(arguments: refusals)
    func `each refusal says what is wrong`(
        name: String,
        replies: [(String, HTTPResponse)],
        class: Failure.Class,
        message: String
    ) async {
        let error = await source(amazon(replies))
        #expect(error?.class == `class`, "\(name): \(error?.message ?? "")")
        #expect(error?.message.contains(message) == true, "\(name): \(error?.message ?? "")")
    }

    @Test func `nobody there is no outage`() async {
        let network = ScriptedTransport([.failure(.blackholed)])
        #expect(await source(network)?.class == .noSource)
        #expect(network.sent.count == 1)
    }

    @Test func `a token that ended early is replaced once`() async throws {
        let network = ScriptedTransport { (request, number) async throws(HTTPError) in
            if request.method == "PUT" { return .text(200, "token-\(number)") }
            if request.headers.first?.value.text == "token-0" { return .text(401) }
            if request.url.hasSuffix("/region") { return .text(404) }
            return request.url.hasSuffix("/") ? .text(200, "r") : keyReply("ID")
        }
        let token = try await context(network).subjectToken(from: .aws(AWSSource())).token
        #expect(try signer(of: token) == ("ID", "sts.amazonaws.com"))
        let stubborn = amazon([("PUT", .text(200, "t")), ("GET", .text(401))])
        #expect(await source(stubborn)?.message.contains("status 401") == true)
        #expect(stubborn.sent.count == 4)
    }

    @Test func `an answer lost at the first hop is told apart from silence`() async {
        let lost = HTTPError(.timedOut(.receive), url: "http://test", detail: "")
        func network(_ get: Result<HTTPResponse, HTTPError>) -> ScriptedTransport {
            ScriptedTransport { (request, _) async throws(HTTPError) in
                if request.method == "PUT" { throw lost }
                return try get.get()
            }
        }
        // Refused without a token, or, where one is optional, answered.
        for answer in [HTTPResponse.text(401), .text(200, "workload")] {
            let error = await source(network(.success(answer)))
            #expect(error?.class == .misconfigured)
            #expect(error?.hint?.contains("HttpPutResponseHopLimit to 2") == true)
        }
        let silent = await source(network(.failure(lost)))
        #expect(silent?.class == .transient)
        #expect(silent?.hint?.contains("does not answer") == true)
    }

    @Test func `it can be turned off`() async {
        let network = amazon(Self.happy)
        let error = await source(network, ["AWS_EC2_METADATA_DISABLED": "True"])
        #expect(error?.class == .noSource)
        #expect(network.sent.isEmpty)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct AWSContainerTests {
    private static let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    private static let token = "AWS_CONTAINER_AUTHORIZATION_TOKEN"

    @Test func `EKS gets its token from the file, read each time`() async throws {
        let scratch = ScratchDirectory()
        try Data("from-file\n".utf8).write(to: URL(filePath: scratch("t")))
        let network = amazon([("GET http://169.254.170.23/v1/credentials", keyReply("POD"))])
        let context = context(
            network,
            environment: [
                Self.full: "http://169.254.170.23/v1/credentials", Self.token: "other",
                Self.token + "_FILE": scratch("t"),
            ]
        )
        let found = try await context.subjectToken(from: .aws(AWSSource())).token
        #expect(try signer(of: found).id == "POD")
        #expect(
            network.sent[0].headerLines == ["Accept: application/json", "Authorization: from-file"]
        )
    }

    @Test func `the relative address comes first`() async throws {
        let network = amazon([("GET http://169.254.170.2/v2/x?y=1", keyReply("TASK"))])
        let context = context(
            network,
            environment: [
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x?y=1", Self.full: "http://evil",
            ]
        )
        let found = try await context.subjectToken(from: .aws(AWSSource())).token
        #expect(try signer(of: found).id == "TASK")
    }

    @Test(
        arguments: [.failure(.refused), .success(.text(404, "no /v2/secret-id here"))] as [Reply]
    )
    func `the path, which is ECS's secret, is not shown`(reply: Reply) async throws {
        let network = ScriptedTransport([
            reply.mapError {
                HTTPError($0.kind, url: "http://169.254.170.2/v2/secret-id", detail: "")
            }
        ])
        let variables = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/secret-id"]
        let error = await failure(.aws(AWSSource()), context(network, environment: variables))
        let message = try #require(error?.message)
        #expect(!message.contains("secret-id"))
        #expect(message.contains("http://169.254.170.2/…"))
        if case .failure = reply { #expect(error?.class == .transient) }
    }

    typealias Reply = Result<HTTPResponse, HTTPError>

    static let hosts: [(String, Bool)] = [
        ("http://127.0.0.1:51679/c", true), ("http://127.8.9.1/c", true), ("http://[::1]/c", true),
        ("http://localhost/c", true), ("http://169.254.170.2/c", true),
        ("http://169.254.170.23/c", true), ("http://[fd00:ec2::23]/c", true),
        ("https://anything.example/c", true), ("http://anything.example/c", false),
        ("http://169.254.169.254/c", false), ("http://10.0.0.1/c", false),
        ("http://127.0.0.1.evil.example/c", false), ("http://[fd00:ec2::254]/c", false),
        ("http://user@127.0.0.1/c", false), ("ftp://127.0.0.1/c", false),
    ]

    @Test(arguments: hosts)
    func `a host that the rule forbids is not asked`(url: String, isAllowed: Bool) async {
        let network = amazon([("GET", keyReply("ID"))])
        let error = await failure(
            .aws(AWSSource()),
            context(network, environment: [Self.full: url])
        )
        #expect((error == nil) == isAllowed)
        #expect(network.sent.isEmpty == !isAllowed)
        if !isAllowed { #expect(error?.class == .misconfigured) }
    }

    @Test(arguments: ["a\r\nb", "a\nb", "a\n\n"])
    func `a line break in the token is refused`(value: String) async {
        let network = amazon([("GET", keyReply("ID"))])
        let variables = [Self.full: "http://127.0.0.1/c", Self.token: value]
        let error = await failure(.aws(AWSSource()), context(network, environment: variables))
        #expect(error?.message.contains("holds a line break") == true)
        #expect(network.sent.isEmpty)
    }

    @Test func `a missing token file is an error`() async {
        let variables = [Self.full: "http://127.0.0.1/c", Self.token + "_FILE": "/nonexistent"]
        let error = await failure(.aws(AWSSource()), context(amazon([]), environment: variables))
        #expect(error?.class == .misconfigured)
    }

    static let refusals: [(HTTPResponse, Failure.Class, Int)] = [
        (.text(400, #"{"code":"x"}"#), .noSource, 1), (.text(401), .noSource, 1),
        (.text(500), .transient, 4), (.text(429), .throttled, 4), (.text(200, "x"), .transient, 4),
        (.text(200, "{}"), .noSource, 1),
    ]

    @Test(arguments: refusals)
    func `passing failures alone are tried again`(
        reply: HTTPResponse,
        class: Failure.Class,
        count: Int
    ) async {
        let network = amazon([("GET", reply)])
        let variables = [Self.full: "http://127.0.0.1/c"]
        let error = await failure(.aws(AWSSource()), context(network, environment: variables))
        #expect(error?.class == `class`)
        #expect(network.sent.count == count)
    }
}
