import Federation
import HTTP
import Kernel
import Text

/// Identity tokens from GCP's metadata server: Compute Engine, GKE, Cloud Run and Functions.
struct GoogleMetadata: TokenFetcher {
    /// `default`, or the e-mail address of another service account of the machine.
    let serviceAccount: String

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let audience = try context.requiredAudience()
        let request = try request(for: audience, context)
        return try await context.retrying(context.evidence(of: .gcp)) {
            () async throws(SourceError) in
            let response = try await context.ask(request)
            return try token(in: response, to: request, context)
        }
    }

    /// The variables that name the server, in the order the vendor's libraries look at them.
    private static let overrides = ["GCE_METADATA_HOST", "GCE_METADATA_ROOT"]

    private func request(
        for audience: String,
        _ context: SourceContext
    ) throws(SourceError) -> HTTPRequest {
        var base = "http://169.254.169.254"
        var headers = [HTTPHeader("Metadata-Flavor", "Google")]
        var override: Endpoint?
        for variable in Self.overrides where override == nil {
            override = try context.override(
                variable,
                scheme: "http://",
                plainHTTP: .googleMetadata
            )
        }
        if let override {
            base = override.url
        } else {
            // The address needs no resolver that could be led astray; the name is what it answers to.
            headers.append(HTTPHeader("Host", "metadata.google.internal"))
        }
        let path = "/computeMetadata/v1/instance/service-accounts"
        return HTTPRequest(
            "GET",
            "\(base)\(path)/\(percentEncoded(serviceAccount))/identity"
                + "?audience=\(percentEncoded(audience))&format=full",
            headers: headers,
            trust: context.trust,
            connectTimeout: ConnectTimeout.near
        )
    }

    /// What to do where another program answers in the metadata server's place.
    private func otherServerHint(_ context: SourceContext) -> String {
        let set = Self.overrides.filter { context.variable($0) != nil }
        return set.isEmpty
            ? "this machine is not one of GCP: name its platform in credentialSource, {\"provider\": ...},"
                + " and in issuerUri that platform's issuer"
            : "another program answers in the metadata server's place: unset"
                + " \(set.joined(separator: " and "))"
    }

    private func token(
        in response: HTTPResponse,
        to request: HTTPRequest,
        _ context: SourceContext
    ) throws(SourceError) -> SubjectToken {
        let isGoogle = response.header("Metadata-Flavor") == "Google"
        let status = response.status
        let place = request.place
        if status == 200, isGoogle {
            return try SubjectToken(jws: response.body.text, from: context.source, at: place)
        }
        if isPassing(status) {
            throw context.unexpected(response, to: request)
        }
        guard isGoogle else {
            throw SourceError(
                .noSource,
                "status \(status) without Metadata-Flavor: Google, so this is not GCP",
                at: place,
                hint: otherServerHint(context),
                isAbsent: true
            )
        }
        throw context.unexpected(
            response,
            to: request,
            hint: hint(for: status),
            refusal: status == 400 ? .misconfigured : .noSource
        )
    }

    private func hint(for status: Int) -> String? {
        switch status {
        case 400:
            "GCP does not take this audience: write in tokenAudience a URL or another text without spaces"
        case 403:
            "on GKE, the pod's service account needs roles/iam.workloadIdentityUser on the linked"
                + " one (gcloud iam service-accounts add-iam-policy-binding EMAIL --role=roles/iam.workloadIdentityUser"
                + " --member=\"serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]\"); a change takes minutes"
        case 404 where serviceAccount != "default":
            "attach \(serviceAccount.printable) to the machine, or leave credentialSource.serviceAccount"
                + " out to take the one that it has"
        case 404:
            "attach a service account to the machine (gcloud compute instances set-service-account); on GKE link one to the"
                + " pod's: kubectl annotate serviceaccount NAME iam.gke.io/gcp-service-account=EMAIL"
        default: nil
        }
    }
}
