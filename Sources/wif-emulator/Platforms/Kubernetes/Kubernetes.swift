import Crypto
import Federation
import FoundationEssentials
import Kernel
import Serving
import Text

extension PlayedPlatform {
    static let kubernetes = PlayedPlatform(
        issuerURL:
            "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
        claims: [
            "sub": "system:serviceaccount:acme:scan",
            "kubernetes.io": [
                "namespace": "acme", "pod": ["name": "scan-0", "uid": "5c6b"],
                "serviceaccount": ["name": "scan", "uid": "7a89"],
            ],
        ],
        parts: [
            Part(of: .kubernetes) { (world) throws(CryptoError) in try Kubernetes(world: world) }
        ]
    )
}

/// A cluster: the API server's TokenRequest, the Secrets of the pod's namespace, and with `--directory` what
/// a pod finds in its volumes. The pod's service account may get, create and apply its namespace's Secrets.
///
/// Below `DIR/kubernetes`: `serviceaccount/` with the pod's own `token`, `ca.crt` and `namespace`, and
/// `projected/token` for the scope, which is replaced as the kubelet does it: a new directory, and a
/// link to it that is swapped.
struct Kubernetes: Role {
    private static let namespace = "acme"
    private static let path = "/api/v1/namespaces/\(namespace)/serviceaccounts/scan/token"
    private static let server = "https://kubernetes.default.svc"

    let world: World
    private let ownToken: String
    private let secrets = ClusterSecrets(namespace: namespace)

    init(world: World) throws(CryptoError) {
        self.world = world
        ownToken = try world.jobToken(of: .kubernetes, audience: [.string(Self.server)])
    }

    var environment: [Variable] {
        let url = world.url(of: .kubernetes)
        let port = url.split(separator: ":").last.map(String.init) ?? ""
        let host = url.split(separator: "/").last?.split(separator: ":").first.map(String.init)
        return [
            Variable("KUBERNETES_SERVICE_HOST", host ?? ""),
            Variable("KUBERNETES_SERVICE_PORT", Int(port) == nil ? "443" : port),
        ]
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path.hasPrefix("/api/v1/namespaces/") || Self.discovery[request.path] != nil
    }

    /// What kubectl asks for before anything else.
    private static let discovery: [String: JSON] = [
        "/api": ["kind": "APIVersions", "versions": ["v1"]],
        "/apis": ["kind": "APIGroupList", "apiVersion": "v1", "groups": []],
        "/api/v1": [
            "kind": "APIResourceList", "groupVersion": "v1",
            "resources": [
                [
                    "name": "secrets", "singularName": "secret", "namespaced": true,
                    "kind": "Secret",
                    "verbs": ["get", "create", "patch"],
                ]
            ],
        ],
    ]

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.authorization("bearer") == ownToken else {
            return failure(401, "Unauthorized", "Unauthorized")
        }
        if let document = Self.discovery[request.path] { return .json(document) }
        if let answer = secretAnswer(request) { return answer }
        guard request.path == Self.path, request.method == "POST" else {
            return failure(
                403,
                "Forbidden",
                "this pod may create tokens of its own service account only"
            )
        }
        guard let spec = request.json?["spec"], let audiences = spec["audiences"]?.array else {
            return failure(422, "Invalid", "spec.audiences is missing")
        }
        let lifetime = Int64(spec["expirationSeconds"]?.lenientNumber ?? 3600)
        guard lifetime >= 600 else {
            return failure(
                422,
                "Invalid",
                "spec.expirationSeconds: may not specify less than 10 minutes"
            )
        }
        let token = try world.jobToken(
            of: .kubernetes,
            audience: .array(audiences),
            lifetime: lifetime
        )
        let end = world.clock.now.advanced(bySeconds: Double(lifetime))
        return .json(
            [
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                "status": [
                    "token": .string(token), "expirationTimestamp": .string(rfc3339(end)),
                ],
            ],
            status: 201
        )
    }

    private func failure(_ status: Int, _ reason: String, _ text: String) -> HTTPServerResponse {
        StatusError(status, reason, text).response
    }

    /// The answer to a request for Secrets; `nil` for any other.
    private func secretAnswer(_ request: HTTPServerRequest) -> HTTPServerResponse? {
        let parts = request.path.split(separator: "/").map(String.init)
        guard parts.count >= 5, parts.count <= 6, parts[4] == "secrets" else { return nil }
        let name = parts.count == 6 ? parts[5] : nil
        let verbs = ["GET": "get", "PATCH": "patch", "POST": "create", "DELETE": "delete"]
        let verb = verbs[request.method] ?? request.method.lowercased()
        guard parts[3] == Self.namespace, verb != "delete" else {
            let object = name.map { "secrets \"\($0)\" is" } ?? "secrets is"
            return failure(
                403,
                "Forbidden",
                "\(object) forbidden: User \"system:serviceaccount:\(Self.namespace):scan\" cannot"
                    + " \(verb) resource \"secrets\" in API group \"\" in the namespace \"\(parts[3])\""
            )
        }
        return secrets.answer(request, name)
    }

    func prepare() throws {
        guard let directory = world.options.directory else { return }
        let place = URL(filePath: directory).appending(path: "kubernetes/serviceaccount")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try Data(ownToken.utf8).write(to: place.appending(path: "token"), options: .atomic)
        try Data("acme".utf8).write(to: place.appending(path: "namespace"))
        let authority = place.appending(path: "ca.crt").path
        try? FileManager.default.removeItem(atPath: authority)
        try FileManager.default.createSymbolicLink(
            atPath: authority,
            withDestinationPath: "../../ca.pem"
        )
        try project(below: directory)
    }

    /// Replaces the projected token when 80 % of its life are over.
    func live() async {
        guard let directory = world.options.directory else { return }
        let pause = max(1, Double(world.tokenLifetime(of: .kubernetes)) * 0.8)
        while true {
            do {
                try await Task.sleep(for: .seconds(pause))
                try project(below: directory)
            } catch is CancellationError {
                return
            } catch {
                writeToStandardError("wif-emulator: the projected token: \(error)\n")
            }
        }
    }

    private func project(below directory: String) throws {
        let manager = FileManager.default
        let place = URL(filePath: directory).appending(path: "kubernetes/projected")
        let name = "..\(randomHex(bytes: 6))"
        let version = place.appending(path: name)
        try manager.createDirectory(at: version, withIntermediateDirectories: true)
        let token = try world.jobToken(
            of: .kubernetes,
            audience: [.string(world.options.scope)]
        )
        try Data(token.utf8).write(to: version.appending(path: "token"))
        let data = place.appending(path: "..data")
        let previous = try? manager.destinationOfSymbolicLink(atPath: data.path)
        let next = place.appending(path: "..data_tmp").path
        try? manager.removeItem(atPath: next)
        try manager.createSymbolicLink(atPath: next, withDestinationPath: name)
        try rename(next, to: data.path)
        let link = place.appending(path: "token").path
        if previous == nil {
            try? manager.removeItem(atPath: link)
            try manager.createSymbolicLink(atPath: link, withDestinationPath: "..data/token")
        } else if let previous {
            try? manager.removeItem(at: place.appending(path: previous))
        }
    }
}
