import Federation
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing

@testable import TokenSources

@Suite(.timeLimit(.minutes(1)))
struct GoogleMetadataTests {
    let source = TokenSource.gcp(serviceAccount: "default")

    @Test func `asks the address by the documented request`() async throws {
        let network = ScriptedTransport([.success(googleReply())])
        let found = try await context(network).subjectToken(from: source)
        #expect(found.token.value.text == googleToken)
        #expect(found.token.source == "gcp")
        #expect(found.token.isRenewable)
        let request = try #require(network.sent.first)
        #expect(request.method == "GET")
        #expect(
            request.url == "http://169.254.169.254/computeMetadata/v1/instance/service-accounts"
                + "/default/identity?audience=\(encodedScope)&format=full"
        )
        #expect(
            request.headerLines == ["Metadata-Flavor: Google", "Host: metadata.google.internal"]
        )
        #expect(request.route == .direct)
        #expect(request.connectTimeout == 1)
    }

    @Test func `a service account and an override change the URL`() async throws {
        let network = ScriptedTransport([.success(googleReply())])
        let environment = ["GCE_METADATA_HOST": "127.0.0.1:8080", "GCE_METADATA_ROOT": "unused"]
        let source = TokenSource.gcp(serviceAccount: "a@b.example")
        _ = try await context(network, environment: environment).subjectToken(from: source)
        let request = try #require(network.sent.first)
        #expect(request.url.hasPrefix("http://127.0.0.1:8080/computeMetadata/v1/instance"))
        #expect(request.url.contains("/service-accounts/a%40b.example/identity?"))
        #expect(request.headerLines == ["Metadata-Flavor: Google"])
    }

    @Test func `an override to a plain-http host elsewhere is refused unsent`() async throws {
        let network = ScriptedTransport([.success(googleReply())])
        let environment = ["GCE_METADATA_HOST": "metadata.example"]
        let error = await failure(source, context(network, environment: environment))
        #expect(error?.class == .misconfigured)
        #expect(error?.message.contains("GCE_METADATA_HOST is plain http") == true)
        #expect(network.sent.isEmpty)
    }

    @Test(arguments: [
        (HTTPResponse.text(200, googleToken), Failure.Class.noSource, "without Metadata-Flavor"),
        (googleReply(200, "<html>"), .noSource, "6 bytes that are not a JWT"),
        (googleReply(200, ""), .noSource, "0 bytes that are not a JWT"),
        (googleReply(400, "missing\naudience"), .misconfigured, "status 400: missing audience"),
        (googleReply(403, "no"), .noSource, "status 403: no"),
        (googleReply(404), .noSource, "status 404"),
        (.text(302, "", [("location", "http://x")]), .noSource, "redirect (302)"),
        (.text(401, "aws"), .noSource, "status 401 without Metadata-Flavor"),
    ])
    func `a reply that is final is not asked for again`(
        _ reply: HTTPResponse,
        _ class: Failure.Class,
        _ text: String
    ) async {
        let network = ScriptedTransport([.success(reply)])
        let error = await failure(source, context(network))
        #expect(error?.class == `class`)
        #expect(error?.step == .subjectToken)
        #expect(error?.message.hasPrefix("gcp: ") == true)
        #expect(error?.message.contains(text) == true, "\(String(describing: error))")
        #expect(network.sent.count == 1)
    }

    @Test(arguments: [408, 429, 500, 502, 503, 504])
    func `a passing status is retried with growing delays`(_ status: Int) async throws {
        let time = VirtualTimekeeper(isSkipping: true)
        let network = ScriptedTransport([
            .success(.text(status)), .success(.text(status)), .success(googleReply()),
        ])
        let context = context(network, timekeeper: time, isGoogle: true)
        let found = try await context.subjectToken(from: source)
        #expect(found.token.value.text == googleToken)
        #expect(time.slept == [1, 2])
    }

    @Test func `with evidence it is asked for 10 s, without once`() async {
        let time = VirtualTimekeeper(isSkipping: true)
        let network = ScriptedTransport([.failure(.blackholed)])
        let patient = await failure(source, context(network, timekeeper: time, isGoogle: true))
        #expect(patient?.class == .transient)
        #expect(time.slept == [1, 2, 4])
        let other = ScriptedTransport([.failure(.blackholed)])
        #expect(await failure(source, context(other))?.class == .noSource)
        #expect(other.sent.count == 1)
    }

    @Test func `a Retry-After beyond its patience ends it`() async {
        let time = VirtualTimekeeper(isSkipping: true)
        let network = ScriptedTransport([.success(.text(429, "", [("retry-after", "40")]))])
        let error = await failure(source, context(network, timekeeper: time, isGoogle: true))
        #expect(error?.class == .throttled)
        #expect(error?.retryAfter == 40)
        #expect(time.slept.isEmpty)
    }

    @Test func `no audience is an error of the account`() async {
        let network = ScriptedTransport([.success(googleReply())])
        #expect(await failure(source, context(network, audience: ""))?.class == .misconfigured)
    }

    @Test func `a body that may hold a token is not shown`() async {
        let network = ScriptedTransport([.success(googleReply(403, googleToken))])
        let error = await failure(source, context(network))
        #expect(error?.message.contains("eyJ") == false)
    }
}
