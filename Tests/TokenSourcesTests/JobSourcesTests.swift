import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

@testable import Federation
@testable import TokenSources

private let jobToken = unsignedJWT(#"{"iss":"https://issuer","sub":"job","exp":1704168200}"#)

/// Sources of CI systems: variables, and services with one request each.
@Suite(.timeLimit(.minutes(1)))
struct JobSourcesTests {
    static let variables: [(TokenSource, String)] = [
        (.gitlab(variable: "MY_TOKEN"), "MY_TOKEN"),
        (.circleci(variable: nil), "CIRCLE_OIDC_TOKEN_V2"),
        (.circleci(variable: nil), "CIRCLE_OIDC_TOKEN"),
        (.circleci(variable: "CIRCLE_OIDC_TOKEN"), "CIRCLE_OIDC_TOKEN"),
        (.bitbucket, "BITBUCKET_STEP_OIDC_TOKEN"),
        (.terraform(tag: nil), "TFC_WORKLOAD_IDENTITY_TOKEN"),
        (.terraform(tag: "A"), "TFC_WORKLOAD_IDENTITY_TOKEN_A"),
        (.vercel, "VERCEL_OIDC_TOKEN"),
        (.spacelift(path: "/nonexistent"), "SPACELIFT_OIDC_TOKEN"),
    ]

    @Test(arguments: variables)
    func `a job's variable is a token that cannot be had again`(
        source: TokenSource,
        variable: String
    ) async throws {
        let network = ScriptedTransport([.failure(.refused)])
        let job = context(network, environment: [variable: "\(jobToken)\n"])
        let found = try await job.subjectToken(from: source)
        #expect(found.token.value.text == jobToken)
        #expect(found.token.source == source.name)
        #expect(!found.token.isRenewable)
        #expect(network.sent.isEmpty)
        let unset = try #require(await failure(source, context(network)))
        #expect(unset.class == .noSource)
        #expect(unset.hint != nil)
        let wrong = await failure(source, context(network, environment: [variable: "secret"]))
        #expect(wrong?.message.hasSuffix("holds 6 bytes that are not a JWT") == true)
    }

    @Test func `the newer of CircleCI's variables comes first`() async throws {
        let variables = ["CIRCLE_OIDC_TOKEN": "x.y.z", "CIRCLE_OIDC_TOKEN_V2": jobToken]
        let job = context(ScriptedTransport([.failure(.refused)]), environment: variables)
        let found = try await job.subjectToken(from: .circleci(variable: nil))
        #expect(found.token.value.text == jobToken)
    }

    @Test func `Spacelift's token is also in a file`() async throws {
        let place = ScratchDirectory()
        try write(jobToken, place("token"))
        let network = ScriptedTransport([.failure(.refused)])
        let found = try await context(network).subjectToken(
            from: .spacelift(path: place("token"))
        )
        #expect(!found.token.isRenewable)
    }

    @Test func `GitLab's hint is the lines to write`() async throws {
        let job = context(ScriptedTransport([.failure(.refused)]), audience: "aud")
        let unset = await failure(.gitlab(variable: "T"), job)
        #expect(unset?.hint?.contains(#"id_tokens: { T: { aud: "aud" } }"#) == true)
    }

    @Test func `Azure Pipelines is asked by the documented request`() async throws {
        let network = ScriptedTransport([.success(.text(200, #"{"oidcToken":"\#(jobToken)"}"#))])
        let job = context(
            network,
            environment: ["SYSTEM_OIDCREQUESTURI": "https://d/o", "SYSTEM_ACCESSTOKEN": "t"]
        )
        let found = try await job.subjectToken(from: .azurePipelines(serviceConnection: "g"))
        #expect(found.token.value.text == jobToken)
        let request = try #require(network.sent.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://d/o?api-version=7.1&serviceConnectionId=g")
        #expect(request.headerLines.contains("Authorization: Bearer t"))
        #expect(request.headerLines.contains("X-TFS-FedAuthRedirect: Suppress"))
        #expect(request.body?.count == 0)
    }

    @Test func `Codefresh is asked as its own step asks`() async throws {
        let network = ScriptedTransport([.success(.text(200, #"{"id_token":"\#(jobToken)"}"#))])
        let job = context(
            network,
            environment: ["CF_OIDC_REQUEST_URL": "https://c/oidc", "CF_OIDC_REQUEST_TOKEN": "t"],
            audience: "https://a b"
        )
        let found = try await job.subjectToken(from: .codefresh)
        #expect(found.token.value.text == jobToken)
        #expect(found.token.isRenewable)
        let request = try #require(network.sent.first)
        #expect(request.method == "GET")
        #expect(request.url == "https://c/oidc?audience=https%3A%2F%2Fa%20b")
        #expect(request.headerLines.first == "Authorization: t")
        let elsewhere = await failure(.codefresh, context(network))
        #expect(elsewhere?.class == .noSource)
        #expect(elsewhere?.message.contains("CF_OIDC_REQUEST_TOKEN are not both set") == true)
    }

    @Test func `Buildkite's agent API is asked by the documented request`() async throws {
        let network = ScriptedTransport([.success(.text(200, #"{"token":"\#(jobToken)"}"#))])
        let job = context(
            network,
            environment: ["BUILDKITE_AGENT_ACCESS_TOKEN": "t", "BUILDKITE_JOB_ID": "a b"],
            audience: "aud"
        )
        let found = try await job.subjectToken(from: .buildkite(lifetime: 600))
        #expect(found.token.isRenewable)
        let request = try #require(network.sent.first)
        #expect(request.url == "https://agent.buildkite.com/v3/jobs/a%20b/oidc/tokens")
        #expect(request.headerLines.first == "Authorization: Token t")
        #expect(request.body?.text == #"{"audience":"aud","lifetime":600}"#)
    }

    @Test func `Fly's socket is asked by the documented request`() async throws {
        let place = ScratchDirectory()
        try write("", place("api"))
        let network = ScriptedTransport([.success(.text(200, jobToken + "\n"))])
        let job = context(network, audience: "aud")
        let found = try await job.subjectToken(from: .fly(socket: place("api")))
        #expect(found.token.value.text == jobToken)
        let request = try #require(network.sent.first)
        #expect(request.unixSocket == place("api"))
        #expect(request.url == "http://localhost/v1/tokens/oidc")
        #expect(request.body?.text == #"{"aud":"aud"}"#)
        let elsewhere = await failure(.fly(socket: place("none")), job)
        #expect(elsewhere?.class == .noSource)
        #expect(network.sent.count == 1)
    }

    static let replies: [(HTTPResponse, Failure.Class, Int)] = [
        (.text(200, "{"), .noSource, 1), (.text(200, "{}"), .noSource, 1),
        (.text(200, #"{"token":"a"}"#), .noSource, 1), (.text(401), .noSource, 1),
        (.text(302), .noSource, 1), (.text(500), .transient, 4), (.text(429), .throttled, 4),
    ]

    @Test(arguments: replies)
    func `another reply is told of, and asked again only if that may help`(
        reply: HTTPResponse,
        expected: Failure.Class,
        count: Int
    ) async throws {
        let network = ScriptedTransport([.success(reply)])
        let job = context(
            network,
            environment: ["BUILDKITE_AGENT_ACCESS_TOKEN": "t", "BUILDKITE_JOB_ID": "j"]
        )
        let error = try #require(await failure(.buildkite(lifetime: 600), job))
        #expect(error.class == expected)
        #expect(network.sent.count == count)
    }

    @Test func `a url source sends its headers and reads its format`() async throws {
        let network = ScriptedTransport([.success(.text(200, #"{"t":" \#(jobToken) "}"#))])
        let source = URLSource(
            url: "https://h/t/",
            headers: [(name: "X_A", value: Secret("b"))],
            format: .json(field: "t")
        )
        let found = try await context(network).subjectToken(from: .url(source))
        #expect(found.token.value.text == jobToken)
        #expect(network.sent.first?.headerLines == ["X_A: b"])
        #expect(network.sent.first?.url == "https://h/t/")
    }

    @Test(arguments: [
        (HTTPResponse.text(200), "the reply is empty"), (.text(403, "no"), "status 403: no"),
        (.text(200, "[]"), "has no string \"t\""), (.text(200, "x"), "is not JSON"),
    ])
    func `a url source tells what came back`(reply: HTTPResponse, text: String) async {
        let isText = reply.body.count == 0
        let format: TokenFormat = isText ? .text : .json(field: "t")
        let source = URLSource(url: "https://h/t", headers: [], format: format)
        let error = await failure(.url(source), context(ScriptedTransport([.success(reply)])))
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        (
            "http://169.254.169.254/metadata/identity/oauth2/token?resource=a", 400,
            "\"headers\": {\"Metadata\": \"true\"}"
        ),
        (
            "http://metadata.google.internal/computeMetadata/v1/instance/x", 403,
            "\"headers\": {\"Metadata-Flavor\": \"Google\"}"
        ),
        (
            "http://169.254.169.254/latest/meta-data/", 401,
            "{\"provider\": \"aws\"} in place of url"
        ),
        ("https://h/t", 400, "correct credentialSource.url and its headers"),
    ])
    func `a metadata service without its header is told by name`(
        url: String,
        status: Int,
        hint: String
    ) async {
        let source = URLSource(url: url, headers: [], format: .text)
        let reply = HTTPResponse.text(status, "no")
        let error = await failure(.url(source), context(ScriptedTransport([.success(reply)])))
        #expect(error?.hint?.contains(hint) == true, "\(error?.hint ?? "")")
    }
}

/// A file of this content.
func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
}
