import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing

@testable import Federation
@testable import TokenSources

@Suite(.timeLimit(.minutes(1)))
struct AzureTests {
    let source = TokenSource.azure(.unspecific)

    @Test func `asks IMDS by the documented request`() async throws {
        let network = ScriptedTransport([.success(azureReply())])
        let found = try await context(network).subjectToken(from: source)
        #expect(found.token.value.text == azureToken)
        #expect(found.token.source == "azure imds")
        let request = try #require(network.sent.first)
        #expect(
            request.url == "http://169.254.169.254/metadata/identity/oauth2/token"
                + "?api-version=2018-02-01&resource=\(encodedScope)"
        )
        #expect(request.headerLines == ["Metadata: true"])
        #expect(request.route == .direct)
        #expect(request.connectTimeout == 1)
    }

    @Test(arguments: [
        (AzureSource.Identity.clientID("a b"), "&client_id=a%20b"),
        (.objectID("o"), "&object_id=o"),
        (.resourceID("/s/i"), "&msi_res_id=%2Fs%2Fi"),
    ])
    func `a selector and a resource are sent`(
        _ identity: AzureSource.Identity,
        _ text: String
    ) async throws {
        let network = ScriptedTransport([.success(azureReply())])
        let azure = AzureSource(resource: "api://x", identity: identity)
        _ = try await context(network).subjectToken(from: .azure(azure))
        #expect(network.sent.first?.url.hasSuffix("&resource=api%3A%2F%2Fx\(text)") == true)
    }

    @Test func `without IMDS the legacy endpoint is asked`() async throws {
        let network = ScriptedTransport { (request, _) async throws(HTTPError) in
            if request.method == "GET" { throw .blackholed }
            return azureReply()
        }
        let found = try await context(network).subjectToken(from: source)
        #expect(found.token.source == "azure legacy endpoint")
        #expect(network.sent.count == 2)
        let request = try #require(network.sent.last)
        #expect(request.method == "POST")
        #expect(request.url == "http://localhost:50342/oauth2/token")
        #expect(request.body?.text == "resource=\(encodedScope)")
        #expect(
            request.headerLines == [
                "Metadata: true", "Content-Type: application/x-www-form-urlencoded",
            ]
        )
    }

    @Test(arguments: [
        HTTPResponse.text(403, "<html>unreachable</html>"), .text(404, "<html>"), .text(200, "hi"),
        .text(400, "bad request"), .text(301),
    ])
    func `what is not IMDS counts as none`(_ reply: HTTPResponse) async throws {
        let network = ScriptedTransport { (request, _) in
            request.method == "GET" ? reply : azureReply()
        }
        let found = try await context(network).subjectToken(from: source)
        #expect(found.token.source == "azure legacy endpoint")
    }

    @Test func `overrides move both endpoints`() async throws {
        let network = ScriptedTransport { (request, _) async throws(HTTPError) in
            if request.method == "GET" { throw .refused }
            return azureReply()
        }
        let environment = [
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1/",
            "MSI_ENDPOINT": "http://127.0.0.1:2/oauth2/token",
        ]
        _ = try await context(network, environment: environment).subjectToken(from: source)
        #expect(network.sent.first?.url.hasPrefix("http://127.0.0.1:1/metadata/") == true)
        #expect(network.sent.last?.url == "http://127.0.0.1:2/oauth2/token")
    }

    @Test func `an IMDS that is being updated ends the job with its time`() async {
        let time = VirtualTimekeeper(isSkipping: true)
        let network = ScriptedTransport([.success(.text(410))])
        let error = await failure(source, context(network, timekeeper: time, isAzure: true))
        #expect(error?.class == .transient)
        #expect(error?.retryAfter == 70)
        #expect(time.slept.isEmpty)
        #expect(network.sent.count == 1)
    }

    @Test(arguments: [(429, [2.0, 4]), (404, [1, 2, 4]), (408, [1, 2, 4]), (503, [1, 2, 4])])
    func `a passing status is retried within 10 s`(_ status: Int, _ waits: [Double]) async {
        let time = VirtualTimekeeper(isSkipping: true)
        let network = ScriptedTransport { (request, _) async throws(HTTPError) in
            if request.method == "POST" { throw .refused }
            return .text(status, "{}")
        }
        let error = await failure(source, context(network, timekeeper: time, isAzure: true))
        #expect(error?.class == (status == 429 ? .throttled : .transient))
        #expect(time.slept == waits)
    }

    @Test func `an unknown resource is the account's error, with the warning`() async {
        let body = #"{"error":"invalid_resource","error_description":"AADSTS500011"}"#
        let network = ScriptedTransport([.success(.text(400, body))])
        let error = await failure(source, context(network, isAzure: true))
        #expect(error?.class == .misconfigured)
        #expect(error?.hint?.contains("Application ID URI") == true)
        #expect(error?.hint?.contains("https://management.azure.com/") == true)
        #expect(network.sent.count == 1)
    }

    @Test func `an identity that is not found yet is asked for again`() async {
        let time = VirtualTimekeeper(isSkipping: true)
        let body = #"{"error":"invalid_request","error_description":"Identity not found"}"#
        let network = ScriptedTransport([.success(.text(400, body))])
        let error = await failure(source, context(network, timekeeper: time, isAzure: true))
        #expect(error?.class == .noSource)
        #expect(error?.hint?.contains("assign a managed identity") == true)
        #expect(time.slept == [1, 2, 4])
    }

    @Test func `without a resource nothing is asked, management.azure.com least of all`() async {
        let network = ScriptedTransport([.success(azureReply())])
        let error = await failure(source, context(network, audience: ""))
        #expect(error?.class == .misconfigured)
        #expect(network.sent.isEmpty)
    }
}
