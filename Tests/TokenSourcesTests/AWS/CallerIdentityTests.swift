import Crypto
import Federation
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing

@testable import TokenSources

@Suite(.timeLimit(.minutes(1)))
struct CallerIdentityTests {
    @Test func `the proof with a long-term key is the reference's, byte by byte`() async throws {
        let context = context(
            amazon([]),
            environment: [
                "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": exampleKey,
            ]
        )
        let token = try await context.subjectToken(from: .aws(AWSSource())).token
        #expect(token.value.count == 425)
        #expect(
            hexadecimal(sha256(token.value.bytes))
                == "ddad1be6c6a75391c966e29724e3dbfb793b557835f325401d85f53486843a4e"
        )
        #expect(token.source == "aws")
        #expect(token.isRenewable)
        #expect(token.claims == nil)
    }

    @Test func `the proof of a session is the reference's, byte by byte`() async throws {
        let context = context(
            amazon([]),
            environment: sessionVariables.merging(["AWS_REGION": "eu-central-1"]) { $1 }
        )
        let token = try await context.subjectToken(from: .aws(AWSSource())).token
        #expect(token.value.count == 596)
        #expect(
            hexadecimal(sha256(token.value.bytes))
                == "87fd4fdbff5a34e0d8010d6814bf40752bb3e7184ca8184b6f65f72f14ac9a90"
        )
    }

    @Test func `a clock that is corrected dates the proof`() async throws {
        let context = context(amazon([]), environment: sessionVariables)
        let token = try await context.correctingClock(by: -3600)
            .subjectToken(from: .aws(AWSSource())).token
        #expect(token.value.text.contains(#""x-amz-date","value":"20240102T020405Z""#))
    }

    @Test(arguments: ["https://sts.amazonaws.com", "https://sts.amazonaws.com/"])
    func `auto gives it for AWS's issuer`(issuer: String) async throws {
        let network = amazon([])
        let context = context(network, environment: sessionVariables, issuer: issuer)
        let token = try await context.subjectToken(from: .automatic).token
        #expect(try signer(of: token).id == "ASIAIOSFODNN7EXAMPLE")
        #expect(network.sent.isEmpty)
    }

    @Test func `what may be shown of it says who and where`() async throws {
        let context = context(
            amazon([]),
            environment: sessionVariables.merging(["AWS_REGION": "eu-central-1"]) { $1 }
        )
        let token = try await context.subjectToken(from: .aws(AWSSource())).token
        let summary = try #require(SignedRequestSummary(decoding: token.value))
        #expect(
            summary.text == "a request to sts.eu-central-1.amazonaws.com, signed by the key"
                + " ASIAIOSFODNN7EXAMPLE at 20240102T030405Z"
        )
        #expect(summary.region == "eu-central-1")
        #expect(SignedRequestSummary(decoding: Secret("{}")) == nil)
        #expect(SignedRequestSummary(decoding: Secret("a.b.c")) == nil)
    }

    @Test func `auto asks for a token where the issuer is an account's own`() async throws {
        let network = amazon([])
        let issuer = "https://1.tokens.sts.global.api.aws"
        let context = context(network, environment: sessionVariables, issuer: issuer)
        let error = await failure(.automatic, context)
        #expect(error?.hint == "set credentialSource.region or AWS_REGION")
        #expect(!AWSSource.isAccountIssuer("https://evil.example/.tokens.sts.global.api.aws"))
    }

    @Test(arguments: ["cn-north-1", "eusc-de-east-1"])
    func `a host that Mondoo would refuse is an error with a way out`(region: String) async {
        let source = TokenSource.aws(AWSSource(region: region))
        let error = await failure(source, context(amazon([]), environment: sessionVariables))
        #expect(error?.class == .misconfigured)
        #expect(error?.message.contains("accepts sts.amazonaws.com and sts.REGION") == true)
        #expect(error?.hint?.contains("web-identity") == true)
    }

    static let regions: [(String?, [String: String], String)] = [
        (nil, [:], "sts.amazonaws.com"),
        (nil, ["AWS_DEFAULT_REGION": "eu-west-3"], "sts.eu-west-3.amazonaws.com"),
        (
            nil, ["AWS_DEFAULT_REGION": "eu-west-3", "AWS_REGION": "eu-west-2"],
            "sts.eu-west-2.amazonaws.com"
        ),
        ("us-east-2", ["AWS_REGION": "eu-west-2"], "sts.us-east-2.amazonaws.com"),
        (
            nil, ["AWS_REGION": "eu-west-2", "AWS_STS_REGIONAL_ENDPOINTS": "legacy"],
            "sts.amazonaws.com"
        ),
        (
            nil, ["AWS_REGION": "eu-west-2", "AWS_ENDPOINT_URL_STS": "https://sts.example"],
            "sts.eu-west-2.amazonaws.com"
        ),
    ]

    @Test(arguments: regions)
    func `the region decides the host, an endpoint variable never`(
        region: String?,
        variables: [String: String],
        host: String
    ) async throws {
        let context = context(
            amazon([]),
            environment: sessionVariables.merging(variables) { $1 }
        )
        let token = try await context.subjectToken(from: .aws(AWSSource(region: region))).token
        #expect(try signer(of: token).host == host)
    }

    @Test func `a profile's region is the last before the instance's`() async throws {
        let scratch = ScratchDirectory()
        let files = try scratch.sharedFiles(config: "[default]\nregion = sa-east-1\n")
        let context = context(
            amazon([]),
            environment: sessionVariables.merging(files) { $1 }
        )
        let token = try await context.subjectToken(from: .aws(AWSSource())).token
        #expect(try signer(of: token).host == "sts.sa-east-1.amazonaws.com")
    }
}
