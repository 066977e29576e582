import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing

@testable import TokenSources

@Suite(.timeLimit(.minutes(1)))
struct SecurityTokenServiceTests {
    private static let source = TokenSource.aws(
        AWSSource(region: "eu-west-1", token: .webIdentity)
    )
    private static let jwt = unsignedJWT(#"{"iss":"https://x.tokens.sts.global.api.aws"}"#)
    private static let success = stsReply(
        "GetWebIdentityToken",
        "<WebIdentityToken>\(jwt)</WebIdentityToken><Expiration>x</Expiration>"
    )

    @Test func `a web identity token is asked for as documented`() async throws {
        let network = amazon([("Action=GetWebIdentityToken", Self.success)])
        let context = context(
            network,
            environment: sessionVariables,
            audience: "https://acme.conductor.one"
        )
        let token = try await context.subjectToken(from: Self.source).token
        #expect(token.value.text == Self.jwt)
        let request = try #require(network.sent.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://sts.eu-west-1.amazonaws.com/")
        #expect(
            request.body?.text == "Action=GetWebIdentityToken&Version=2011-06-15"
                + "&Audience.member.1=https%3A%2F%2Facme.conductor.one&DurationSeconds=600"
                + "&SigningAlgorithm=RS256"
        )
        let names = request.headers.map(\.name)
        #expect(names == ["Content-Type", "Authorization", "x-amz-date", "x-amz-security-token"])
    }

    @Test func `an endpoint variable, a CA and a proxy are heeded`() async throws {
        let network = amazon([("Action=GetWebIdentityToken", Self.success)])
        let variables = [
            "AWS_ENDPOINT_URL_STS": "https://vpce.example:8443", "AWS_CA_BUNDLE": "/ca.pem",
            "HTTPS_PROXY": "http://proxy:1",
        ]
        _ = try await context(network, environment: sessionVariables.merging(variables) { $1 })
            .subjectToken(from: Self.source)
        let request = try #require(network.sent.first)
        #expect(request.url == "https://vpce.example:8443/")
        #expect(request.trust == .file("/ca.pem"))
        #expect(request.route == .proxied(ProxySettings(url: "http://proxy:1")))
        let ignoring = variables.merging(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"]) { $1 }
        _ = try await context(network, environment: sessionVariables.merging(ignoring) { $1 })
            .subjectToken(from: Self.source)
        #expect(network.sent.last?.url == "https://sts.eu-west-1.amazonaws.com/")
    }

    @Test func `without a region there is no such token`() async {
        let network = amazon([])
        let source = TokenSource.aws(AWSSource(token: .webIdentity))
        let error = await failure(source, context(network, environment: sessionVariables))
        #expect(error?.class == .misconfigured)
        #expect(error?.hint?.contains("AWS_REGION") == true)
        #expect(network.sent.isEmpty)
    }

    static let errors: [(HTTPResponse, Failure.Class, Int, String)] = [
        (stsError(403, "AccessDenied"), .noSource, 1, "trust policy"),
        (
            stsError(403, "OutboundWebIdentityFederationDisabledException"), .noSource, 1,
            "must enable outbound"
        ),
        (stsError(403, "SessionDurationEscalationException"), .noSource, 1, "session ends"),
        (stsError(403, "RegionDisabledException"), .misconfigured, 1, "activate the region"),
        (stsError(400, "JWTPayloadSizeExceededException"), .noSource, 1, "too many tags"),
        (stsError(403, "InvalidClientTokenId"), .noSource, 1, "partition"),
        (stsError(403, "ExpiredToken"), .noSource, 1, "has ended"),
        (stsError(400, "ValidationError"), .misconfigured, 1, ""),
        (stsError(403, "SignatureDoesNotMatch"), .noSource, 1, ""),
        (stsError(400, "Throttling"), .throttled, 4, ""),
        (stsError(400, "IDPCommunicationError"), .transient, 4, ""),
        (stsError(503, "RequestLimitExceeded"), .throttled, 4, ""),
        (.text(502, "<html><body>x"), .transient, 4, ""),
        (.text(403, "<html>"), .noSource, 1, ""),
        (.text(200, "<html></html>"), .transient, 1, ""),
        (stsReply("GetWebIdentityToken", ""), .transient, 1, ""),
        (
            stsReply("GetWebIdentityToken", "<WebIdentityToken>x</WebIdentityToken>"), .noSource, 1,
            ""
        ),
    ]

    @Test(arguments: errors)
    func `the code decides class, patience and hint`(
        reply: HTTPResponse,
        class: Failure.Class,
        count: Int,
        hint: String
    ) async {
        let network = amazon([("POST", reply)])
        let error = await failure(Self.source, context(network, environment: sessionVariables))
        #expect(error?.class == `class`, "\(error?.message ?? "")")
        #expect(network.sent.count == count)
        if !hint.isEmpty { #expect(error?.hint?.contains(hint) == true) }
    }

    @Test func `a service that cannot be reached is an outage`() async {
        let network = ScriptedTransport([.failure(.refused)])
        let error = await failure(Self.source, context(network, environment: sessionVariables))
        #expect(error?.class == .transient)
        #expect(network.sent.count == 4)
    }

    static let skews = [
        ("SignatureDoesNotMatch", "Signature expired: 20240102T030405Z is now earlier than x"),
        ("SignatureDoesNotMatch", "Signature not yet current: 20240102T030405Z is still later"),
        ("RequestExpired", "x"),
    ]

    @Test(arguments: skews)
    func `a refusal for the clock is mended once by the reply's date`(
        code: String,
        message: String
    ) async throws {
        let network = ScriptedTransport([
            .success(stsError(403, code, message)), .success(Self.success),
        ])
        _ = try await context(network, environment: sessionVariables)
            .subjectToken(from: Self.source)
        let dates = network.sent.map { $0.headerLines.filter { $0.hasPrefix("x-amz-date") } }
        #expect(dates == [["x-amz-date: 20240102T030405Z"], ["x-amz-date: 20240102T050405Z"]])
        let stubborn = ScriptedTransport([.success(stsError(403, code, message))])
        let error = await failure(Self.source, context(stubborn, environment: sessionVariables))
        #expect(error?.class == .noSource)
        #expect(stubborn.sent.count == 2)
    }

    @Test func `a web token that is not taken is read anew, once`() async throws {
        let scratch = ScratchDirectory()
        try Data("a.b.c\n".utf8).write(to: URL(filePath: scratch("token")))
        let variables = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": scratch("token"), "AWS_ROLE_ARN": "arn:aws:x",
            "AWS_ROLE_SESSION_NAME": "me", "AWS_REGION": "eu-west-1",
        ]
        let reply = stsReply("AssumeRoleWithWebIdentity", credentialsXML("WEB"))
        let network = ScriptedTransport([
            .success(stsError(400, "ExpiredTokenException")), .success(reply),
        ])
        let context = context(network, environment: variables)
        let token = try await context.subjectToken(from: .aws(AWSSource())).token
        #expect(try signer(of: token).id == "WEB")
        #expect(network.sent.count == 2)
        #expect(network.sent[1].headers.map(\.name) == ["Content-Type"])
        #expect(
            network.sent[1].body?.text == "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
                + "&RoleArn=arn%3Aaws%3Ax&RoleSessionName=me&WebIdentityToken=a.b.c"
        )
    }

    @Test func `a message that may hold a token is not shown`() async {
        let network = amazon([("POST", stsError(400, "InvalidIdentityToken", Self.jwt))])
        let error = await failure(Self.source, context(network, environment: sessionVariables))
        #expect(error?.message.contains("eyJ") == false)
    }
}
