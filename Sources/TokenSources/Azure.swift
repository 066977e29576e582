internal import Federation
internal import FoundationEssentials
internal import HTTP
internal import Platform

/// A managed identity's token: from IMDS, and where that does not answer from the legacy extension.
struct Azure {
    static let name = "azure"

    let source: AzureSource

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let resource = source.resource ?? context.audience
        guard !resource.isEmpty else {
            throw SourceError(
                .misconfigured,
                "no resource to ask for; set credentialSource.resource, tokenAudience or audience"
            )
        }
        let demand = AzureDemand(resource: resource, identity: source.identity)
        do throws(SourceError) {
            return try await AzureManagedIdentity(demand: demand).subjectToken(context)
        } catch let first {
            guard first.isAbsent, !Task.isCancelled else { throw first }
            do throws(SourceError) {
                return try await AzureLegacyEndpoint(demand: demand).subjectToken(context)
            } catch var second {
                second.message = "IMDS: \(first.message); legacy endpoint: \(second.message)"
                second.hint = second.hint ?? first.hint
                throw second
            }
        }
    }

    /// The legacy endpoint is on few of Azure's machines, and nothing tells on which.
    static func evidence(_ context: SourceContext) -> Evidence {
        AzureManagedIdentity.evidence(context)
    }
}

/// What is asked of either endpoint, and how either reply is read.
struct AzureDemand {
    let resource: String
    let identity: AzureSource.Identity?

    /// `resource` and at most one selector, encoded alike for a query and a form.
    var parameters: String {
        let selector =
            switch identity {
            case .clientID(let id)?: "&client_id=\(percentEncoded(id))"
            case .objectID(let id)?: "&object_id=\(percentEncoded(id))"
            case .resourceID(let id)?: "&msi_res_id=\(percentEncoded(id))"
            case nil: ""
            }
        return "resource=\(percentEncoded(resource))\(selector)"
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
                    "\(place): status 200 without an access_token, so not Azure's",
                    isAbsent: true
                )
            }
            return try SubjectToken(jws: token, from: source, at: place)
        }
        throw error(response, reply?["error"]?.string, at: place, context)
    }

    private func error(
        _ response: HTTPResponse,
        _ code: String?,
        at place: String,
        _ context: SourceContext
    ) -> SourceError {
        let status = response.status
        let message = "\(place): status \(status)\(response.excerpt)"
        var error = SourceError(.noSource, message, retryAfter: context.retryAfter(response))
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
        case (400, "invalid_resource"):
            error.class = .misconfigured
            error.hint = """
                the resource "\(resource.printable)" must be the Application ID URI of an app \
                registration in the tenant: set credentialSource.resource to it, and never to \
                https://management.azure.com/, whose token is a key to the subscription
                """
        case (400, "invalid_request"):
            error.hint = "assign a managed identity to the machine, or name one that is assigned"
            // Right after an assignment the identity is not known everywhere.
            if message.lowercased().contains("identity not found") {
                error.retry = .growing(from: 1)
            }
        default: error.isAbsent = code == nil
        }
        return error
    }

    private static func object(in response: HTTPResponse) -> JSON? {
        do throws(JSONError) {
            return try JSON(parsing: response.body.bytes)
        } catch {
            return nil
        }
    }
}
