package import Federation
package import HTTP
package import Kernel
import Text

/// A cluster's API server, as a pod reaches it: by its service account's token, over TLS that the cluster's
/// own authority vouches for.
package struct ClusterAPI: Sendable {
    private let context: SourceContext
    private let server: String
    private let token: SubjectToken
    private let directory: String

    /// Reads the token anew: the kubelet replaces it.
    ///
    /// - Parameter directory: where the pod finds its `token` and `ca.crt`.
    /// - Throws: ``SourceError``.
    init(directory: String, _ context: SourceContext) throws(SourceError) {
        self.context = context
        self.directory = directory
        server = try Self.server(context)
        token = SubjectToken(
            try TokenFile(
                path: "\(directory)/token",
                format: .text,
                writer:
                    "the pod's own token is not mounted: set automountServiceAccountToken: true in the"
                    + " pod, or project a token into it and name its file in credentialSource.path"
            ).token(),
            source: Self.name
        )
    }

    /// - Parameter directory: where the pod finds its `token`, `ca.crt` and `namespace`.
    /// - Throws: `Failure`, of a delivery.
    package init(forDelivery directory: String, _ context: SourceContext) throws(Failure) {
        do throws(SourceError) {
            try self.init(directory: directory, context)
        } catch {
            var failure = error.failure(of: Self.name)
            failure.step = .output
            // Where there is a token to be had, another try does not give one.
            failure.class = .misconfigured
            let isPod = context.variable("KUBERNETES_SERVICE_HOST") != nil
            failure.hint =
                isPod
                ? "this pod has no token of its own, by which the cluster's API is asked: write"
                    + " automountServiceAccountToken: true in the pod's spec (or in its service account, where that says"
                    + " false), then make the pod anew"
                : "a Secret is written by an agent in a pod of the cluster, whose service account's token"
                    + " is mounted (automountServiceAccountToken: true), and nothing says that this is one: run the"
                    + " agent in a pod, or choose another output"
            throw failure
        }
    }

    private static let name = "the cluster's API"

    /// Namespace and name of the service account whose token it uses; `nil` where the token does not tell.
    package var serviceAccount: (namespace: String, name: String)? {
        let parts = token.claims?.subject?.split(separator: ":").map(String.init) ?? []
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount" else {
            return nil
        }
        return (parts[2], parts[3])
    }

    /// The pod's own namespace.
    /// - Throws: `Failure`, of a delivery.
    package func ownNamespace() throws(Failure) -> String {
        let path = "\(directory)/namespace"
        do throws(ReadFileError) {
            let name = try readFile(path, limit: 4096).text.trimmed
            if !name.isEmpty { return name }
        } catch {
            if let namespace = serviceAccount?.namespace { return namespace }
            throw Failure(
                .misconfigured,
                at: .output,
                "\(path.printable) \(error)",
                hint: "name the Secret's namespace in the output"
            )
        }
        throw Failure(.misconfigured, at: .output, "\(path.printable) is empty")
    }

    /// A request with the service account's token.
    ///
    /// - Parameters:
    ///   - path: absolute, with its query, percent-encoded.
    ///   - type: of the body.
    package func request(
        _ method: String,
        _ path: String,
        type: String? = nil,
        body: Secret? = nil
    ) -> HTTPRequest {
        var headers = [
            HTTPHeader("Authorization", value: Secret("Bearer \(token.value.text)")),
            HTTPHeader("Accept", "application/json"),
        ]
        if let type { headers.append(HTTPHeader("Content-Type", type)) }
        return HTTPRequest(
            method,
            server + path,
            headers: headers,
            body: body,
            trust: .file("\(directory)/ca.crt")
        )
    }

    /// Sends a request of a delivery, once.
    /// - Throws: `Failure` where there is no reply, or a redirect.
    package func send(_ request: HTTPRequest) async throws(Failure) -> HTTPResponse {
        do throws(SourceError) {
            return try await context.ask(request)
        } catch {
            var failure = error.failure(of: Self.name)
            failure.step = .output
            throw failure
        }
    }

    /// Of a machine where no variable says that it is a pod.
    private static var podHint: String {
        let directory = KubernetesSource.standardDirectory
        guard FileFacts(ifAt: directory) != nil else {
            return
                "this is no pod, or its variables are dropped on the way (su -, sudo, env -i, a unit): outside a pod, name a"
                + " token's file in credentialSource.path"
        }
        return
            "this is a pod (\(directory) is there), and every pod has KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT:"
            + " something between the container and this program drops them, such as su -, sudo, env -i or a unit: keep them"
            + " (su without -, sudo --preserve-env), or set KUBERNETES_SERVICE_HOST=kubernetes.default.svc and"
            + " KUBERNETES_SERVICE_PORT=443"
    }

    private static func server(_ context: SourceContext) throws(SourceError) -> String {
        let host = try context.platformVariable(
            "KUBERNETES_SERVICE_HOST",
            hint: podHint
        )
        let literal = host.contains(":") ? "[\(host)]" : host
        let port = context.variable("KUBERNETES_SERVICE_PORT") ?? "443"
        do throws(EndpointError) {
            return try Endpoint("https://\(literal):\(port)").url
        } catch {
            throw SourceError(
                .misconfigured,
                "KUBERNETES_SERVICE_HOST and _PORT: \(error.reason)",
                hint:
                    "unset them outside of a pod, and name a token's file in credentialSource.path"
            )
        }
    }
}
