import Federation
import HTTP
import Kernel
import Text

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
        let cluster = try ClusterAPI(directory: directory, context)
        guard let (namespace, account) = cluster.serviceAccount else {
            throw SourceError(
                .noSource,
                "\(directory.printable)/token is not a service account's token",
                hint:
                    "leave credentialSource.directory out, or name the folder where the pod's own token"
                    + " and ca.crt are"
            )
        }
        let path =
            "/api/v1/namespaces/\(percentEncoded(namespace))"
            + "/serviceaccounts/\(percentEncoded(account))/token"
        let body = body(try context.requiredAudience(), lifetime)
        return try await TokenService(
            request: cluster.request(
                "POST",
                path,
                type: "application/json",
                body: Secret(body.serialized())
            ),
            success: 201,
            members: ["status", "token"],
            hints: Self.hints(namespace, account)
        ).subjectToken(context)
    }

    private static func hints(_ namespace: String, _ account: String) -> [Int: String] {
        [
            403: "allow the service account \(namespace.printable)/\(account.printable) to create"
                + " serviceaccounts/token (a Role with that verb and resource and a RoleBinding in its namespace), or project a token with the wanted audience into the pod and name its file in"
                + " credentialSource.path",
            401:
                "the cluster does not take the pod's own token, which is another cluster's or has expired: make the pod"
                + " anew, with automountServiceAccountToken: true",
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
}
