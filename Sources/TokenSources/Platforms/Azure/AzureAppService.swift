import Federation
import HTTP
import Kernel
import Text

/// The endpoint that App Service, Functions and Container Apps give each app in its environment.
struct AzureAppService {
    /// The two forms of the endpoint.
    enum Version {
        case current
        /// Of old Linux Consumption plans: other variables, another header, another selector.
        case old
    }

    let demand: AzureDemand
    let version: Version

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let request = try self.request(context)
        return try await context.retrying(.platform) { () async throws(SourceError) in
            let response = try await context.ask(request)
            let reply = AzureDemand.object(in: response)
            guard response.status == 200, let token = reply?["access_token"]?.string else {
                throw context.unexpected(response, to: request, hint: hint(response))
            }
            return try SubjectToken(jws: token, from: "azure app service", at: request.place)
        }
    }

    private func request(_ context: SourceContext) throws(SourceError) -> HTTPRequest {
        let isOld = version == .old
        let names =
            isOld ? ("MSI_ENDPOINT", "MSI_SECRET") : ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")
        // Checked, and then used as it is: its last slash belongs to the path.
        guard try context.override(names.0, plainHTTP: .linkLocal) != nil,
            let endpoint = context.variable(names.0), let secret = context.variable(names.1)
        else { throw SourceError(.noSource, "\(names.0) and \(names.1) are not both set") }
        let selectors =
            isOld
            ? AzureDemand.Selectors(clientID: "clientid", resourceID: "mi_res_id")
            : AzureDemand.Selectors(resourceID: "mi_res_id")
        let separator = endpoint.contains("?") ? "&" : "?"
        return HTTPRequest(
            "GET",
            "\(endpoint)\(separator)api-version=\(isOld ? "2017-09-01" : "2019-08-01")"
                + "&\(demand.parameters(selectors))",
            headers: [
                HTTPHeader(isOld ? "secret" : "X-IDENTITY-HEADER", value: Secret(secret)),
                HTTPHeader("Metadata", "true"),
            ],
            trust: context.trust,
            connectTimeout: ConnectTimeout.near
        )
    }

    private func hint(_ response: HTTPResponse) -> String? {
        let text = response.note
        switch response.status {
        // It answers so for a resource that is unknown, too.
        case 500: return demand.resourceHint
        case 400:
            return text.contains("AADSTS500011") ? demand.resourceHint : demand.identityHint(text)
        case 401, 403:
            return "App Service changes the header's value from time to time: restart the app"
        default: return nil
        }
    }
}
