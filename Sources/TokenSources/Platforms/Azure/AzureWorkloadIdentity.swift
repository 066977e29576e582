import Federation
import HTTP
import Kernel
import Text

/// AKS workload identity: the pod's projected token, exchanged at Entra for one of the resource.
struct AzureWorkloadIdentity {
    private static let file = "AZURE_FEDERATED_TOKEN_FILE"
    private static let host = "https://login.microsoftonline.com"
    private static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    let demand: AzureDemand

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let client = try clientID(context)
        return try await context.retrying(.platform) { () async throws(SourceError) in
            // Read anew each time: the kubelet replaces it.
            let request = try self.request(client, assertion(context), context)
            let response = try await context.ask(request)
            let reply = AzureDemand.object(in: response)
            guard response.status == 200 else {
                throw error(response, reply, to: request, context)
            }
            guard let token = reply?["access_token"]?.string else {
                throw SourceError(.noSource, "the reply has no access_token", at: request.place)
            }
            return try SubjectToken(
                jws: token,
                from: "azure workload identity",
                at: request.place
            )
        }
    }

    private func clientID(_ context: SourceContext) throws(SourceError) -> String {
        switch demand.identity {
        case .clientID(let id)?: return id
        case .objectID?, .resourceID?:
            throw SourceError(
                .misconfigured,
                "workload identity knows identities by clientId only",
                hint: "set credentialSource.clientId in place of objectId or resourceId"
            )
        case nil: break
        }
        return try required("AZURE_CLIENT_ID", context)
    }

    private func required(_ name: String, _ context: SourceContext) throws(SourceError) -> String {
        guard let value = context.variable(name) else {
            throw SourceError(
                .noSource,
                "\(Self.file) is set and \(name) is not",
                hint: partlyHint(name, context)
                    ?? "give the pod the label azure.workload.identity/use: \"true\" and its service account the annotation"
                    + " azure.workload.identity/client-id: CLIENT-ID, and make the pod anew"
            )
        }
        return value
    }

    /// Where the pod's other variables are there, so that one was lost on the way to this container.
    private func partlyHint(_ name: String, _ context: SourceContext) -> String? {
        let others = ["AZURE_CLIENT_ID", "AZURE_TENANT_ID"].filter { $0 != name }
        guard others.allSatisfy({ context.variable($0) != nil }) else { return nil }
        return
            "the pod's webhook sets \(name) with the other two: hand it on to this container as well, or set it to"
            + " the \(name == "AZURE_TENANT_ID" ? "tenant's id" : "identity's client id")"
    }

    private static let writer =
        "AZURE_FEDERATED_TOKEN_FILE names this file, which is mounted into pods with the label"
        + " azure.workload.identity/use: \"true\": set it, and make the pod anew"

    private func assertion(_ context: SourceContext) throws(SourceError) -> Secret {
        let path = try required(Self.file, context)
        return try TokenFile(path: path, format: .text, writer: Self.writer).token()
    }

    private func request(
        _ client: String,
        _ assertion: Secret,
        _ context: SourceContext
    ) throws(SourceError) -> HTTPRequest {
        let tenant = try required("AZURE_TENANT_ID", context)
        let authority = try context.override("AZURE_AUTHORITY_HOST", plainHTTP: .loopback)
        let fields = [
            ("grant_type", "client_credentials"), ("client_id", client),
            ("scope", demand.resource + "/.default"),
            ("client_assertion_type", Self.assertionType), ("client_assertion", assertion.text),
        ]
        let form = fields.map { "\($0.0)=\(percentEncoded($0.1))" }.joined(separator: "&")
        return HTTPRequest(
            "POST",
            "\(authority?.url ?? Self.host)/\(percentEncoded(tenant))/oauth2/v2.0/token",
            headers: [HTTPHeader("Content-Type", "application/x-www-form-urlencoded")],
            body: Secret(form),
            route: authority?.isSecure == false ? .direct : context.publicRoute,
            trust: context.trust,
            connectTimeout: ConnectTimeout.far
        )
    }

    private func error(
        _ response: HTTPResponse,
        _ reply: JSON?,
        to request: HTTPRequest,
        _ context: SourceContext
    ) -> SourceError {
        let numbers = reply?["error_codes"]?.array?.compactMap(\.lenientNumber) ?? []
        let codes = numbers.compactMap { Int(exactly: $0) }
        let told = codes.isEmpty ? "" : " (AADSTS\(codes.map(String.init).joined(separator: ", ")))"
        let hint = codes.lazy.compactMap { credentialHint($0, context) ?? self.hint($0, context) }
            .first
        return context.unexpected(
            response,
            to: request,
            note: told,
            hint: hint,
            refusal: hint == nil ? .noSource : .misconfigured
        )
    }

    /// What the identity's federated credential must have, by the pod's own token.
    private func credentialHint(_ code: Int, _ context: SourceContext) -> String? {
        guard [70_021, 700_211, 700_212, 700_213].contains(code),
            let path = context.variable(Self.file), let text = readText(ifAt: path, limit: 1 << 16)
        else { return nil }
        let token = SubjectToken(Secret(text.trimmed), source: context.source)
        guard let claims = token.claims, let issuer = claims.issuer, let subject = claims.subject
        else {
            return nil
        }
        let client = context.variable("AZURE_CLIENT_ID")?.printable ?? "AZURE_CLIENT_ID"
        return
            "the identity \(client) has no federated credential for this pod: create it, az identity"
            + " federated-credential create --identity-name NAME --resource-group GROUP --name \"pod\" --issuer"
            + " \(issuer.printable) --subject \(subject.printable) --audiences"
            + " \(claims.audiences.joined(separator: " ").printable); a new one is known only after some minutes"
    }

    private func hint(_ code: Int, _ context: SourceContext) -> String? {
        switch code {
        case 700_212:
            return "the federated credential's audience must be api://AzureADTokenExchange"
        case 500_011, 50_001: return demand.resourceHint
        case 700_016:
            return
                "the tenant AZURE_TENANT_ID, \(shown("AZURE_TENANT_ID", context)), has no application or managed identity with"
                + " the client id AZURE_CLIENT_ID, \(shown("AZURE_CLIENT_ID", context)): the two do not belong together. Correct"
                + " the tenant (annotation azure.workload.identity/tenant-id of the pod's service account) or the client id"
                + " (annotation azure.workload.identity/client-id), and make the pod anew"
        case 90_002, 900_023:
            return
                "there is no tenant \(shown("AZURE_TENANT_ID", context)): correct AZURE_TENANT_ID (annotation"
                + " azure.workload.identity/tenant-id of the pod's service account), and make the pod anew"
        default: break
        }
        let claims = context.variable(Self.file).flatMap { readText(ifAt: $0, limit: 1 << 16) }
            .flatMap { SubjectToken(Secret($0.trimmed), source: context.source).claims }
        return EntraCode(code).advice(
            EntraCode.Request(
                client: ("AZURE_CLIENT_ID", shown("AZURE_CLIENT_ID", context)),
                tenant: ("AZURE_TENANT_ID", shown("AZURE_TENANT_ID", context)),
                scope: ("tokenAudience", "\(demand.resource.printable)/.default"),
                claims: claims
            )
        )
    }

    private func shown(_ variable: String, _ context: SourceContext) -> String {
        context.variable(variable)?.printable ?? "not set"
    }
}
