import Agent
import Federation
import Kernel
import Text

/// Mondoo's GraphQL API, and who asks it.
struct ProviderService {
    private let invocation: Invocation
    private let endpoint: Endpoint
    private let caller: GraphQLCall.Caller
    /// Tells the worker the way to Mondoo; nothing is exchanged under it.
    private let account: Account
    private let timeout: Double

    init(_ invocation: Invocation) throws {
        self.invocation = invocation
        timeout = try invocation.timeout
        var universe = invocation.value("universe-domain")
        if let path = invocation.value("service-account") {
            let file = try Self.secret(path, "the service-account file")
            let document = Self.document(file)
            guard document["private_key"]?.string != nil else {
                throw CommandFailure(
                    Failure(
                        .misconfigured,
                        at: .account,
                        "\(path.printable) is not a service-account file: it has no private_key"
                    )
                )
            }
            universe = universe ?? document["api_endpoint"]?.string
            caller = .serviceAccount(file)
        } else if let path = invocation.value("token-file") {
            caller = .token(Secret(try Self.secret(path, "the token file").text.trimmed))
        } else if let token = invocation.environment["MONDOO_API_TOKEN"]?.trimmed, !token.isEmpty {
            caller = .token(Secret(token))
        } else {
            throw CommandFailure(
                Failure(
                    .misconfigured,
                    at: .account,
                    "nothing proves who may manage identity providers",
                    hint: "set MONDOO_API_TOKEN, or name a --token-file or a --service-account"
                )
            )
        }
        let base = try Self.endpoint(universe ?? "https://us.api.mondoo.com", "universe-domain")
        let query = invocation.value("endpoint") ?? base.url + "/query"
        endpoint = try Self.endpoint(query, "endpoint")
        account = try Self.account(at: base)
    }

    /// Asks once: what is asked for is done, and not done twice.
    func call(_ document: String, _ variables: JSON) async throws -> JSON {
        let request = request(document, variables)
        return try await DirectExchange.withWorkers(invocation) { worker in
            await worker.run(request, for: account)
        }.get()
    }

    /// Asks again while it fails for passing reasons.
    func ask(_ document: String, _ variables: JSON) async throws -> JSON {
        let request = request(document, variables)
        return try await DirectExchange.run(request, for: account, timeout: timeout, invocation)
            .get()
    }

    private func request(_ document: String, _ variables: JSON) -> JobRequest<JSON> {
        .graphQL(
            GraphQLCall(
                endpoint: endpoint,
                document: document,
                variables: variables,
                caller: caller
            )
        )
    }

    private static func secret(_ path: String, _ what: String) throws -> Secret {
        do throws(ReadFileError) {
            return try readFile(path, limit: 1 << 18)
        } catch {
            throw CommandFailure(
                Failure(.misconfigured, at: .account, "\(what) \(path.printable) \(error)"),
                exitCode: 66
            )
        }
    }

    private static func document(_ file: Secret) -> JSON {
        do throws(JSONError) { return try JSON(parsing: file.bytes) } catch { return .null }
    }

    private static func endpoint(_ url: String, _ option: String) throws(UsageError) -> Endpoint {
        do throws(EndpointError) {
            return try Endpoint(url)
        } catch {
            throw UsageError(message: "--\(option) \(url.printable): \(error.reason)")
        }
    }

    private static func account(at universe: Endpoint) throws -> Account {
        let document: JSON = [
            "type": "external_account", "universeDomain": .string(universe.url),
            "audience": "//iam.api.mondoo.app", "issuerUri": .string(universe.url),
        ]
        do throws(AccountError) {
            return try Account(
                parsing: Secret(document.serialized()),
                path: "/provider.json",
                environment: [:]
            )
        } catch {
            throw CommandFailure(error.failure)
        }
    }
}

/// The documents that Mondoo's manual shows.
enum ProviderQuery {
    /// What an account file takes over from the service, and nothing else: it could name programs.
    static let configMembers = [
        "universeDomain", "type", "audience", "subjectTokenType", "scopes", "issuerUri",
    ]
    private static let config = "config { \(configMembers.joined(separator: " ")) }"
    private static let binding = """
        mrn name description scope roles expiration issuerUri subject \
        mappings { key value } allowedAudiences createdAt lastUsed
        """

    static let create = """
        mutation CreateWIFAuthBinding($input: CreateWIFAuthBindingInput!) { \
        createWIFAuthBinding(input: $input) { binding { \(binding) } \(config) } }
        """
    static let list = """
        query ListWIFAuthBindings($scopeMrn: String!, $orderBy: WIFAuthBindingOrder) { \
        listWIFAuthBindings(scopeMrn: $scopeMrn, orderBy: $orderBy) { \
        bindings { mrn name issuerUri subject roles expiration createdAt lastUsed } } }
        """
    static let get = """
        query GetWIFAuthBinding($mrn: String!) { getWIFAuthBinding(mrn: $mrn) { \
        binding { \(binding) createdBy } \(config) } }
        """
    static let remove = """
        mutation RemoveWIFAuthBinding($mrn: String!) { removeWIFAuthBinding(mrn: $mrn) { mrn } }
        """
}
