import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing

@testable import Federation
@testable import TokenSources

/// Azure's endpoints beside IMDS.
@Suite(.timeLimit(.minutes(1)))
struct AzurePlacesTests {
    private let app = [
        "IDENTITY_ENDPOINT": "http://169.254.1.2:8081/msi/token/", "IDENTITY_HEADER": "h",
    ]
    private let arc = [
        "IDENTITY_ENDPOINT": "http://localhost:40342/t", "IMDS_ENDPOINT": "http://x",
    ]

    @Test func `App Service is asked by the documented request`() async throws {
        let network = ScriptedTransport([.success(azureReply())])
        let azure = AzureSource(resource: "api://x", identity: .resourceID("/s"))
        let found = try await context(network, environment: app).subjectToken(from: .azure(azure))
        #expect(found.token.source == "azure app service")
        let request = try #require(network.sent.first)
        #expect(
            request.url == "http://169.254.1.2:8081/msi/token/?api-version=2019-08-01"
                + "&resource=api%3A%2F%2Fx&mi_res_id=%2Fs"
        )
        #expect(request.headerLines == ["X-IDENTITY-HEADER: h", "Metadata: true"])
    }

    @Test func `the old form of App Service has other names`() async throws {
        let network = ScriptedTransport([.success(azureReply())])
        let azure = AzureSource(resource: "api://x", identity: .clientID("c"))
        let old = ["MSI_ENDPOINT": "http://127.0.0.1:4/msi", "MSI_SECRET": "s"]
        _ = try await context(network, environment: old).subjectToken(from: .azure(azure))
        let request = try #require(network.sent.first)
        #expect(request.url.hasSuffix("api-version=2017-09-01&resource=api%3A%2F%2Fx&clientid=c"))
        #expect(request.headerLines.first == "secret: s")
    }

    @Test(arguments: [
        (500, "{}", "Application ID URI"), (400, "AADSTS500011", "Application ID URI"),
        (400, "Multiple user assigned identities exist", "several identities are attached"),
        (400, "no identity", "assign a managed identity"), (401, "", "restart the app"),
    ])
    func `App Service's errors have hints`(status: Int, body: String, hint: String) async {
        let network = ScriptedTransport([.success(.text(status, body))])
        let error = await failure(.azure(.unspecific), context(network, environment: app))
        #expect(error?.hint?.contains(hint) == true, "\(error?.hint ?? "")")
    }

    static let challenges: [(String?, Bool)] = [
        ("Basic realm=/d/a.key", true), ("basic Realm=/d/a.key", true), (nil, false),
        ("Basic realm=/d/../d/a.key", false), ("Basic realm=/etc/shadow", false),
        ("Basic realm=/d/a.txt", false), ("Basic realm=/d/.key", false),
        ("Basic realm=/d/s/a.key", false), ("Basic realm=/d/a=b.key", false),
        ("Digest realm=/d/a.key", false), ("Basic realm=", false), ("Basic realm=a.key", false),
    ]

    @Test(arguments: challenges)
    func `an Arc challenge names a key file in its directory`(header: String?, isGood: Bool) {
        do throws(SourceError) {
            #expect(try AzureArc.path(header, in: "/d") == "/d/a.key")
            #expect(isGood)
        } catch {
            #expect(!isGood, "\(error.message)")
        }
    }

    private func arcToken(_ directory: String, file: String, reply: HTTPResponse = azureReply())
        async throws(SourceError) -> ScriptedTransport
    {
        let network = ScriptedTransport { (request, _) async throws(HTTPError) in
            let isProof = request.headerLines.contains("Authorization: Basic key")
            if isProof { return reply }
            return .text(401, "", [("www-authenticate", "Basic realm=\(directory)/\(file)")])
        }
        let demand = AzureDemand(resource: "api://x", identity: .clientID("ABC"))
        _ = try await AzureArc(demand: demand, directory: directory)
            .subjectToken(context(network, environment: arc))
        return network
    }

    private let echoed = HTTPResponse.text(
        200,
        #"{"access_token":"\#(azureToken)","client_id":"abc"}"#
    )

    @Test func `Arc's file is read and proves who asks`() async throws {
        let place = ScratchDirectory()
        try write("key", place("a.key"))
        let network = try await arcToken(place.path, file: "a.key", reply: echoed)
        #expect(network.sent.count == 2)
        #expect(
            network.sent.first?.url == "http://localhost:40342/t?api-version=2020-06-01"
                + "&resource=api%3A%2F%2Fx&client_id=ABC"
        )
    }

    @Test func `another identity than the wanted one is an error`() async throws {
        let place = ScratchDirectory()
        try write("key", place("a.key"))
        let error = await #expect(throws: SourceError.self) {
            _ = try await arcToken(place.path, file: "a.key")
        }
        #expect(error?.message.contains("not of the identity") == true)
    }

    @Test func `a link, a large file and a shared file are not sent`() async throws {
        let place = ScratchDirectory()
        try write("key", place("real"))
        try FileManager.default.createSymbolicLink(
            atPath: place("link.key"),
            withDestinationPath: "real"
        )
        try write(String(repeating: "k", count: 4097), place("large.key"))
        try write("key", place("shared.key"))
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o666],
            ofItemAtPath: place("shared.key")
        )
        for name in ["link.key", "large.key", "shared.key", "none.key"] {
            await #expect(throws: SourceError.self, "\(name)") {
                _ = try await arcToken(place.path, file: name, reply: echoed)
            }
        }
    }

    private func workload(_ file: String) -> [String: String] {
        [
            "AZURE_FEDERATED_TOKEN_FILE": file, "AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t",
            "AZURE_AUTHORITY_HOST": "https://login.example/",
        ]
    }

    @Test func `workload identity sends the pod's token as an assertion`() async throws {
        let place = ScratchDirectory()
        try write("a.b.c\n", place("token"))
        let network = ScriptedTransport([.success(azureReply())])
        let azure = AzureSource(resource: "api://x", identity: nil)
        let found = try await context(network, environment: workload(place("token")))
            .subjectToken(from: .azure(azure))
        #expect(found.token.source == "azure workload identity")
        let request = try #require(network.sent.first)
        #expect(request.url == "https://login.example/t/oauth2/v2.0/token")
        #expect(
            request.body?.text == "grant_type=client_credentials&client_id=c"
                + "&scope=api%3A%2F%2Fx%2F.default&client_assertion_type="
                + "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                + "&client_assertion=a.b.c"
        )
    }

    @Test(arguments: [
        (700_024, "clock"), (70_021, "subject"), (700_213, "subject"), (700_211, "issuer"),
        (700_212, "audience"), (700_016, "AZURE_CLIENT_ID"), (500_011, "Application ID URI"),
        (90_002, "AZURE_TENANT_ID"), (50_196, "too often"),
    ])
    func `Entra's codes have hints`(code: Int, hint: String) async throws {
        let place = ScratchDirectory()
        try write("a.b.c", place("token"))
        let reply = HTTPResponse.text(401, #"{"error":"e","error_codes":[\#(code)]}"#)
        let network = ScriptedTransport([.success(reply)])
        let pod = context(network, environment: workload(place("token")))
        let error = try #require(await failure(.azure(.unspecific), pod))
        #expect(error.hint?.contains(hint) == true)
        #expect(error.message.contains("AADSTS\(code)"))
        #expect(network.sent.count == 1)
    }

    @Test func `a code that is no number of Entra's is left out`() async throws {
        let place = ScratchDirectory()
        try write("a.b.c", place("token"))
        let reply = HTTPResponse.text(401, #"{"error":"e","error_codes":[1e300,0.5,700016]}"#)
        let pod = context(
            ScriptedTransport([.success(reply)]),
            environment: workload(place("token"))
        )
        let error = try #require(await failure(.azure(.unspecific), pod))
        #expect(error.message.contains("(AADSTS700016)"))
    }

    @Test func `workload identity knows no other selector`() async {
        let azure = AzureSource(resource: "api://x", identity: .objectID("o"))
        let pod = context(ScriptedTransport([.failure(.refused)]), environment: workload("/none"))
        let error = await failure(.azure(azure), pod)
        #expect(error?.class == .misconfigured)
    }
}
