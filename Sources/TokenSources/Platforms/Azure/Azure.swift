import Federation
import HTTP
import Kernel
import Text

/// A token of Azure's, from whichever endpoint the environment names, as Azure's own clients choose:
/// App Service, Arc, workload identity, and without any of them IMDS.
struct Azure: TokenFetcher {
    let source: AzureSource

    /// Where a token can come from.
    private enum Place {
        case appService(AzureAppService.Version)
        case arc
        case workloadIdentity
        case machine
    }

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let resource = source.resource ?? context.audience
        guard !resource.isEmpty else {
            throw SourceError(
                .misconfigured,
                "no resource to ask for",
                hint:
                    "set credentialSource.resource to the App ID URI that the trust names, such as"
                    + " api://APP-ID"
            )
        }
        let demand = AzureDemand(resource: resource, identity: source.identity)
        switch try Self.place(context) {
        case .appService(let version):
            return try await AzureAppService(demand: demand, version: version)
                .subjectToken(context)
        case .arc: return try await AzureArc(demand: demand).subjectToken(context)
        case .workloadIdentity:
            return try await AzureWorkloadIdentity(demand: demand).subjectToken(context)
        case .machine: return try await machineToken(demand, context)
        }
    }

    private static func place(_ context: SourceContext) throws(SourceError) -> Place {
        let isHeaded = context.has("IDENTITY_HEADER")
        if context.has("IDENTITY_ENDPOINT"), isHeaded, context.has("IDENTITY_SERVER_THUMBPRINT") {
            throw SourceError(.noSource, "Service Fabric's managed identities are not supported")
        }
        if context.has("IDENTITY_ENDPOINT"), isHeaded { return .appService(.current) }
        if context.has("IDENTITY_ENDPOINT"), context.has("IMDS_ENDPOINT") { return .arc }
        if context.has("MSI_ENDPOINT"), context.has("MSI_SECRET") { return .appService(.old) }
        if context.has("AZURE_FEDERATED_TOKEN_FILE") { return .workloadIdentity }
        let hasArc = context.isThere(.file(AzureSource.arcProgram))
        return hasArc && !context.machine.isAzure ? .arc : .machine
    }

    /// From IMDS, and where that does not answer from the legacy extension.
    private func machineToken(
        _ demand: AzureDemand,
        _ context: SourceContext
    ) async throws(SourceError) -> SubjectToken {
        do throws(SourceError) {
            return try await AzureMachineEndpoint.metadata.subjectToken(demand, context)
        } catch let first {
            guard first.isAbsent, !Task.isCancelled else { throw first }
            do throws(SourceError) {
                return try await AzureMachineEndpoint.legacy.subjectToken(demand, context)
            } catch {
                var second = error.of("legacy endpoint").after(first.of("IMDS"))
                second.hint = second.hint ?? first.hint
                if context.has("IDENTITY_ENDPOINT"), !context.has("IDENTITY_HEADER") {
                    second = second.after("IDENTITY_ENDPOINT is set without IDENTITY_HEADER")
                    second.hint = "App Service sets both variables: pass on IDENTITY_HEADER too"
                }
                throw second
            }
        }
    }
}

/// What is asked of either endpoint, and how either reply is read.
struct AzureDemand {
    let resource: String
    let identity: AzureSource.Identity?

    /// What an endpoint calls the selectors.
    struct Selectors {
        var clientID = "client_id"
        var objectID = "object_id"
        var resourceID = "msi_res_id"
    }

    /// `resource` and at most one selector, encoded alike for a query and a form.
    var parameters: String { parameters(Selectors()) }

    func parameters(_ names: Selectors) -> String {
        let pair = selector(names).map { "&\($0.name)=\(percentEncoded($0.value))" }
        return "resource=\(percentEncoded(resource))\(pair ?? "")"
    }

    /// The identity that is asked for, in the endpoint's terms.
    func selector(_ names: Selectors) -> (name: String, value: String)? {
        switch identity {
        case .clientID(let id)?: (names.clientID, id)
        case .objectID(let id)?: (names.objectID, id)
        case .resourceID(let id)?: (names.resourceID, id)
        case nil: nil
        }
    }

    /// The endpoint's token, asked for as long as its evidence is worth.
    func token(
        asking request: HTTPRequest,
        from source: String,
        _ evidence: Evidence,
        _ context: SourceContext
    ) async throws(SourceError) -> SubjectToken {
        try await context.retrying(evidence) { () async throws(SourceError) in
            let response = try await context.ask(request)
            return try token(in: response, from: source, at: request.place, context)
        }
    }

    /// The token in a 200 reply, else the error that the reply means.
    func token(
        in response: HTTPResponse,
        from source: String,
        at place: String,
        _ context: SourceContext
    ) throws(SourceError) -> SubjectToken {
        let reply = Self.object(in: response)
        if response.status == 200 {
            guard let token = reply?["access_token"]?.string, !token.isEmpty else {
                throw SourceError(
                    .noSource,
                    "status 200 without an access_token, so this is not Azure",
                    at: place,
                    hint:
                        "another program answers in the metadata service's place: see what serves that"
                        + " address",
                    isAbsent: true
                )
            }
            return try SubjectToken(jws: token, from: source, at: place)
        }
        throw error(response, reply?["error"]?.string, at: place, context)
    }

    /// What to do where the tenant does not know the resource.
    var resourceHint: String {
        for end in ["/.default", "/user_impersonation"] where resource.hasSuffix(end) {
            return
                "\(resource.printable) is a scope, and a resource is wanted here: write"
                + " \"\(resource.dropLast(end.count).description.printable)\", without \(end), in tokenAudience (or"
                + " credentialSource.resource)"
        }
        return """
            the resource "\(resource.printable)" must be the Application ID URI of an app \
            registration in the tenant: set tokenAudience to it, such as api://APP-ID (the application's \
            overview in the portal shows it), and allow it at the service; never to \
            https://management.azure.com/, whose token is a key to the subscription
            """
    }

    /// What to do where the identity that the account file names is not found.
    private var namedIdentityHint: String {
        let end = "assign it to this machine, or name one that is"
        return switch identity {
        case .clientID(let id)?:
            "no identity of this machine has the client id \(id.printable): if that is an identity's object"
                + " (principal) id, write it as credentialSource.objectId in place of clientId; the identity's"
                + " overview in the portal shows both. Else \(end)"
        case .objectID(let id)?:
            "no identity of this machine has the object id \(id.printable): if that is an identity's client id,"
                + " write it as credentialSource.clientId in place of objectId. Else \(end)"
        case .resourceID?, nil:
            "the identity that credentialSource.resourceId names is not assigned to this machine: \(end)"
        }
    }

    /// What to do where no identity was found, or too many.
    func identityHint(_ said: String) -> String {
        if said.lowercased().contains("multiple") {
            return "several identities are attached: name one by credentialSource.clientId,"
                + " objectId or resourceId (az vm identity show lists them)\(nextHint)"
        }
        return
            (identity == nil
            ? "assign a managed identity (az vm identity assign --resource-group GROUP --name VM); where it has"
                + " only user-assigned ones, or several, name one by credentialSource.clientId, objectId or"
                + " resourceId" : namedIdentityHint) + nextHint
    }

    /// What Entra will refuse next: a resource that no application can have.
    private var nextHint: String {
        guard resource.hasPrefix("//") else { return "" }
        return
            "; and set tokenAudience to the Application ID URI of an app registration in the tenant (api://...): no"
            + " application has the resource that is asked for now, \(resource.printable)"
    }

    private func error(
        _ response: HTTPResponse,
        _ code: String?,
        at place: String,
        _ context: SourceContext
    ) -> SourceError {
        let status = response.status
        let said = response.note
        var error = SourceError(
            .noSource,
            "status \(status)\(said)",
            at: place,
            retryAfter: context.retryAfter(response)
        )
        switch (status, code) {
        case (410, _):
            // IMDS is being updated and back within 70 s: longer than a job should wait.
            error.class = .transient
            error.retryAfter = max(70, error.retryAfter ?? 0)
            error.retry = .growing(from: 70)
        case (429, _):
            error.class = .throttled
            error.retry = .growing(from: 2)
        case (408, _), (500..<600, _):
            error.class = .transient
            error.retry = .growing(from: 1)
        case (404, _):
            // An IMDS that is being updated, or no IMDS at all.
            error.class = .transient
            error.retry = .growing(from: 1)
            error.isAbsent = code == nil
        case (400, "invalid_resource"),
            (_, _) where said.contains("AADSTS500011"):
            error.class = .misconfigured
            error.hint = resourceHint
        case (400, "invalid_request"):
            error.hint = identityHint(said)
            // Right after an assignment the identity is not known everywhere.
            if said.lowercased().contains("identity not found") {
                error.retry = .growing(from: 1)
            }
        default: error.isAbsent = code == nil
        }
        return error
    }

    static func object(in response: HTTPResponse) -> JSON? {
        do throws(JSONError) {
            return try JSON(parsing: response.body.bytes)
        } catch {
            return nil
        }
    }
}
