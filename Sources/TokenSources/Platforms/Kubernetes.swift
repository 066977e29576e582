internal import Federation
internal import HTTP
internal import Kernel
internal import Text

/// A pod's token: what the kubelet projects, or one minted by the API server for the wanted audience.
struct Kubernetes: TokenFetcher {
    let source: KubernetesSource

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        switch source {
        case .file(let path):
            // Opened anew each time: the kubelet swaps the directory behind a link.
            return try TokenFile(path: path, format: .text).subjectToken(context)
        case .request(let directory, let lifetime):
            return try await requested(directory, lifetime, context)
        }
    }

    private func requested(
        _ directory: String,
        _ lifetime: Int,
        _ context: SourceContext
    ) async throws(SourceError) -> SubjectToken {
        let server = try self.server(context)
        let own = try TokenFile(path: "\(directory)/token", format: .text).subjectToken(context)
        let (namespace, account) = try names(in: own, at: "\(directory)/token")
        let url =
            "\(server)/api/v1/namespaces/\(percentEncoded(namespace))"
            + "/serviceaccounts/\(percentEncoded(account))/token"
        return try await TokenService(
            request: HTTPRequest(
                posting: body(try context.requiredAudience(), lifetime),
                to: url,
                headers: [
                    HTTPHeader("Authorization", value: Secret("Bearer \(own.value.text)"))
                ],
                trust: .file("\(directory)/ca.crt")
            ),
            success: 201,
            members: ["status", "token"],
            hints: Self.hints(namespace, account)
        ).subjectToken(context)
    }

    private static func hints(_ namespace: String, _ account: String) -> [Int: String] {
        [
            403: "allow \(namespace.printable)/\(account.printable) to create"
                + " serviceaccounts/token, or project a token with the wanted audience into the pod and name its file in"
                + " credentialSource.path",
            401: "is the pod's own token mounted (automountServiceAccountToken)?",
        ]
    }

    private func body(_ audience: String, _ lifetime: Int) -> JSON {
        [
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": [
                "audiences": [.string(audience)], "expirationSeconds": .integer(Int64(lifetime)),
            ],
        ]
    }

    private func server(_ context: SourceContext) throws(SourceError) -> String {
        let host = try context.platformVariable(
            "KUBERNETES_SERVICE_HOST",
            hint: "outside a pod, name a token's file in credentialSource.path"
        )
        let literal = host.contains(":") ? "[\(host)]" : host
        let port = context.variable("KUBERNETES_SERVICE_PORT") ?? "443"
        do throws(EndpointError) {
            return try Endpoint("https://\(literal):\(port)").url
        } catch {
            throw SourceError(.misconfigured, "KUBERNETES_SERVICE_HOST and _PORT: \(error.reason)")
        }
    }

    /// Namespace and name of the service account whose token this is.
    private func names(
        in token: SubjectToken,
        at place: String
    ) throws(SourceError) -> (String, String) {
        let parts = token.claims?.subject?.split(separator: ":").map(String.init) ?? []
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount" else {
            throw SourceError(.noSource, "\(place.printable) is no service account's token")
        }
        return (parts[2], parts[3])
    }
}
