import Federation
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

@testable import TokenSources

let gitHubEnvironment = [
    "GITHUB_ACTIONS": "true",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://run.actions.githubusercontent.com/x?api-version=2.0",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
]

@Suite(.timeLimit(.minutes(1)))
struct GitHubActionsTests {
    @Test func `asks by the documented request`() async throws {
        let network = ScriptedTransport([.success(gitHubReply())])
        let context = context(network, environment: gitHubEnvironment)
        let found = try await context.subjectToken(from: .github)
        #expect(found.token.value.text == gitHubToken)
        let request = try #require(network.sent.first)
        #expect(
            request.url == "https://run.actions.githubusercontent.com/x?api-version=2.0"
                + "&audience=\(encodedScope)"
        )
        #expect(request.headerLines.first == "Authorization: bearer request-token")
        #expect(request.route == .direct)
        #expect(request.connectTimeout == 5)
    }

    @Test func `a URL without a query gets one, and no audience none`() async throws {
        let network = ScriptedTransport([.success(gitHubReply())])
        var environment = gitHubEnvironment
        environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = "http://127.0.0.1:1/token"
        _ = try await context(network, environment: environment).subjectToken(from: .github)
        _ = try await context(network, environment: environment, audience: "")
            .subjectToken(from: .github)
        #expect(
            network.sent.map(\.url) == [
                "http://127.0.0.1:1/token?audience=\(encodedScope)", "http://127.0.0.1:1/token",
            ]
        )
    }

    @Test func `a job without the permission is told of it`() async {
        let network = ScriptedTransport([.success(gitHubReply())])
        let context = context(network, environment: ["GITHUB_ACTIONS": "true"])
        let error = await failure(.github, context)
        #expect(error?.class == .noSource)
        #expect(error?.hint?.contains("permissions: id-token: write") == true)
        #expect(network.sent.isEmpty)
    }

    @Test func `plain http to another host is refused unsent`() async {
        let network = ScriptedTransport([.success(gitHubReply())])
        var environment = gitHubEnvironment
        environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = "http://169.254.169.254/"
        let error = await failure(.github, context(network, environment: environment))
        #expect(error?.class == .misconfigured)
        #expect(network.sent.isEmpty)
    }

    @Test(arguments: [
        (HTTPResponse.text(401, "gone"), Failure.Class.noSource, "status 401: gone"),
        (.text(400), .noSource, "status 400"), (.text(200, "{}"), .noSource, "has no value"),
        (.text(200, #"{"value":""}"#), .noSource, "has no value"),
        (.text(200, "<html>"), .noSource, "is not JSON"),
        (.text(200, #"{"value":"x"}"#), .noSource, "1 bytes that are not a JWT"),
        (.text(307), .noSource, "redirect (307)"),
    ])
    func `a reply that is final is not asked for again`(
        _ reply: HTTPResponse,
        _ class: Failure.Class,
        _ text: String
    ) async {
        let network = ScriptedTransport([.success(reply)])
        let error = await failure(.github, context(network, environment: gitHubEnvironment))
        #expect(error?.class == `class`)
        #expect(error?.message.contains(text) == true, "\(String(describing: error))")
        #expect(error?.message.contains("request-token") == false)
        #expect(network.sent.count == 1)
    }

    // A job's token service may be asked before it knows that the job runs.
    @Test func `a job that is pending is asked for again`() async throws {
        let pending = HTTPResponse.text(403, #"{"message":"Job is pending."}"#)
        let network = ScriptedTransport([.success(pending), .success(gitHubReply())])
        let found = try await context(network, environment: gitHubEnvironment)
            .subjectToken(from: .github)
        #expect(found.token.value.text == gitHubToken)
        let stays = ScriptedTransport([.success(pending)])
        let error = await failure(.github, context(stays, environment: gitHubEnvironment))
        #expect(error?.class == .transient)
        #expect(error?.hint == nil)
        let forbidden = ScriptedTransport([.success(.text(403, "forbidden"))])
        let final = await failure(.github, context(forbidden, environment: gitHubEnvironment))
        #expect(final?.class == .noSource)
        #expect(forbidden.sent.count == 1)
    }

    @Test func `an outage is retried, then said`() async {
        let time = VirtualTimekeeper(isSkipping: true)
        let network = ScriptedTransport([.failure(.refused), .success(.text(503))])
        let context = context(network, environment: gitHubEnvironment, timekeeper: time)
        #expect(await failure(.github, context)?.class == .transient)
        #expect(time.slept == [1, 2, 4])
    }
}
