import Diagnosis
import Exchanges
import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import Synchronization
import TestSupport
import Text
import TokenSources

extension Target {
    /// A network that answers what it likes: the pieces of the input are its replies, one after the
    /// other and the last one for ever; the first byte says who is asked.
    static let replies = [
        Target("source", source), Target("aws", aws), Target("exchange", exchange),
        Target("issuer", issuer), Target("graphql", graphQL),
    ]

    /// A source and the variables under which it is asked.
    private struct Way: Sendable {
        var source: TokenSource
        var variables: [String: String] = [:]

        init(_ provider: String, _ variables: [String: String] = [:]) {
            source = TokenSource(provider: provider) ?? .automatic
            self.variables = variables
        }

        init(_ source: TokenSource, _ variables: [String: String] = [:]) {
            self.source = source
            self.variables = variables
        }

        static let all: [Way] = [
            Way("gcp"), Way("azure"),
            Way("azure", ["IDENTITY_ENDPOINT": local, "IDENTITY_HEADER": "h"]),
            Way("azure", ["MSI_ENDPOINT": local, "MSI_SECRET": "s"]),
            Way("azure", ["IDENTITY_ENDPOINT": local, "IMDS_ENDPOINT": local]),
            Way(
                "azure",
                [
                    "AZURE_FEDERATED_TOKEN_FILE": path(of: "Files/token"), "AZURE_CLIENT_ID": "c",
                    "AZURE_TENANT_ID": "t",
                ]
            ),
            Way(
                "github",
                [
                    "ACTIONS_ID_TOKEN_REQUEST_URL": local,
                    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "r",
                ]
            ),
            Way("azure-pipelines", ["SYSTEM_OIDCREQUESTURI": local, "SYSTEM_ACCESSTOKEN": "s"]),
            Way("buildkite", ["BUILDKITE_JOB_ID": "j", "BUILDKITE_AGENT_ACCESS_TOKEN": "s"]),
            Way(
                .kubernetes(.request(directory: path(of: "Files/pod"), lifetime: 600)),
                ["KUBERNETES_SERVICE_HOST": "10.0.0.1"]
            ),
            Way("fly"), Way("auto"),
            Way(url),
        ]

        /// A `url` source, which only an account file makes.
        private static let url: TokenSource = {
            let document = """
                {"type":"external_account","audience":"a","issuerUri":"https://i.test",\
                "credentialSource":{"url":"\(local)","format":{"type":"json",\
                "subjectTokenFieldName":"token"}}}
                """
            let account = answer { try Account(parsing: Secret(document), path: "/a.json") }
            return account?.tokenSource ?? .automatic
        }()

        private static let local = "http://127.0.0.1:1/token"
    }

    private static func source(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let way = Way.all[Int(first) % Way.all.count]
        let network = Network(pieces(Array(bytes.dropFirst())))
        wait {
            let probe = await sources(network, way.variables).probe(way.source)
            for answer in probe.answers { _ = try? answer.token.get().claims }
        }
    }

    /// Variables that lead to each of the places where AWS's tools find a key.
    private static let places: [[String: String]] = [
        [:], ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c"],
        [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": path(of: "Files/token"),
        ],
        [
            "AWS_WEB_IDENTITY_TOKEN_FILE": path(of: "Files/token"), "AWS_REGION": "eu-central-1",
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r",
        ],
        ["AWS_CONFIG_FILE": path(of: "Files/aws-config"), "AWS_PROFILE": "role"],
        ["AWS_CONFIG_FILE": path(of: "Files/aws-config"), "AWS_PROFILE": "instance"],
    ]

    private static func aws(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let isToken = first & 1 == 1
        let variables = places[Int(first >> 1) % places.count]
        let network = Network(pieces(Array(bytes.dropFirst())))
        wait {
            let source = AWSSource(token: isToken ? .webIdentity : .callerIdentity)
            let context = sources(network, variables)
            _ = await context.probe(.aws(source))
            _ = try? await context.callerIdentity(from: .aws(source))
        }
    }

    private static let accounts = [
        mondoo, #"{"type":"external_account","clientId":"quiet-bear-1@acme.conductor.one/wfe"}"#,
        #"{"type":"external_account","service":"bright","projectId":"p"}"#,
        #"{"type":"external_account","tokenUrl":"https://a.test/t","revokeUrl":"https://a.test/r"}"#,
        """
        {"type":"external_account","universe_domain":"googleapis.com","audience":"//iam/p",\
        "subject_token_type":"urn:ietf:params:oauth:token-type:jwt",\
        "token_url":"https://sts.googleapis.com/v1/token","credential_source":{"provider":"gcp"},\
        "service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects\
        /-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken"}
        """,
    ]

    /// Parsed anew: the leak sanitizer does not see through an enumeration what a constant keeps.
    private static func account(_ number: UInt8) -> Account? {
        let document = accounts[Int(number) % accounts.count]
        return answer { try Account(parsing: Secret(document), path: "/a.json") }
    }

    private static func exchange(_ bytes: [UInt8]) {
        guard let first = bytes.first, let account = account(first) else {
            return
        }
        let network = Network(pieces(Array(bytes.dropFirst())))
        let token = SubjectToken(Secret(unsignedJWT(#"{"iss":"https://i.test"}"#)), source: "fuzz")
        wait {
            let context = exchanges(network)
            let probe = await context.probeService(of: account)
            let findings = findings(of: token, for: account, at: presentDate)
            let result = await context.exchange(token, for: account, findings: findings)
            _ = (probe.steps.map(\.json), result.warnings)
            guard case .success(let credential) = result.outcome else { return }
            show(credential)
            let skew = result.clockSkew ?? 0
            _ = await context.test(credential, for: account, clockSkew: skew).json
            _ = try? await context.revoke(credential.value, for: account)
        }
    }

    /// What Mondoo's GraphQL API answers; by the first byte to a service account, whose file is the
    /// first piece then, or to a token.
    private static func graphQL(_ bytes: [UInt8]) {
        guard let first = bytes.first, let account = account(0) else { return }
        let parts = pieces(Array(bytes.dropFirst()))
        let isToken = first & 1 == 1
        let endpoint = answer { try Endpoint("https://api.edge.mondoo.com/query") }
        guard let endpoint else { return }
        let call = GraphQLCall(
            endpoint: endpoint,
            document: "query { spaces { mrn } }",
            variables: [:],
            caller: isToken ? .token(Secret("t")) : .serviceAccount(Secret(parts[0]))
        )
        let network = Network(isToken ? parts : Array(parts.dropFirst()))
        wait {
            do throws(Failure) {
                _ = try await exchanges(network).data(of: call, for: account).serialized()
            } catch {
                _ = error.json.serialized()
            }
        }
    }

    /// The first piece is the token, the others what its issuer answers.
    private static func issuer(_ bytes: [UInt8]) {
        let parts = pieces(bytes)
        guard let account = account(0) else { return }
        let token = SubjectToken(Secret(parts[0]), source: "fuzz")
        let network = Network(Array(parts.dropFirst()))
        wait {
            for step in await exchanges(network).checkIssuer(of: token, for: account) {
                _ = step.json.serialized()
            }
        }
    }
}

/// Runs a task to its end on this thread.
func wait(for body: @escaping @Sendable () async -> Void) {
    let status = answer {
        try MainLoop.run {
            await body()
            return 0
        }
    }
    require(status == 0, "the loop ended with \(String(describing: status))")
}

private func sources(_ network: Network, _ variables: [String: String]) -> SourceContext {
    let timekeeper = VirtualTimekeeper(wallClock: presentDate, isSkipping: true)
    return SourceContext(
        RequestContext(
            transport: network.transport,
            environment: variables,
            timekeeper: timekeeper,
            deadline: timekeeper.now.advanced(bySeconds: 60)
        ),
        audience: "//captain.api.mondoo.app/spaces/s",
        issuer: nil,
        machine: Machine(isGoogle: false, isAzure: false),
        chance: { 0.5 }
    )
}

private func exchanges(_ network: Network) -> ExchangeContext {
    let timekeeper = VirtualTimekeeper(wallClock: presentDate, isSkipping: true)
    return ExchangeContext(
        transport: network.transport,
        environment: [:],
        timekeeper: timekeeper,
        deadline: timekeeper.now.advanced(bySeconds: 60)
    )
}

/// Replies as text: a line with the status, header lines, an empty line, the body. A first line that is
/// no status stands for a connection that is refused, or for one that times out where it says so.
private struct Network: Sendable {
    let transport: ScriptedTransport

    init(_ replies: [[UInt8]]) {
        let replies = replies.map(Self.reply)
        let next = Mutex(0)
        transport = ScriptedTransport { (_, _) async throws(HTTPError) in
            let number = next.withLock { next in
                defer { next += 1 }
                return next
            }
            guard !replies.isEmpty else { throw .refused }
            return try replies[min(number, replies.count - 1)].get()
        }
    }

    private static func reply(_ bytes: [UInt8]) -> Result<HTTPResponse, HTTPError> {
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)[...]
        let first = text(lines.popFirst() ?? [])
        guard let status = Int(first), (100...599).contains(status) else {
            return .failure(first == "timeout" ? .blackholed : .refused)
        }
        var headers: [(name: String, value: String)] = []
        while let line = lines.popFirst(), !line.isEmpty {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1)
            headers.append((text(parts.first ?? []).lowercased(), text(parts.last ?? []).trimmed))
        }
        let body = Array(lines.joined(separator: [0x0A]))
        return .success(HTTPResponse(status: status, headers: headers, body: Secret(body)))
    }
}
