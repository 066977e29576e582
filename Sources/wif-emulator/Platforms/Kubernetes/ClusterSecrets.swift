import Serving
import Synchronization
import Text

/// A namespace's Secrets, as far as the API's GET, POST and server-side apply need them.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/>
final class ClusterSecrets: Sendable {
    private struct State {
        var secrets: [String: ClusterSecret] = [:]
        /// One for the whole cluster.
        var version = 1000
    }

    private let namespace: String
    private let state = Mutex(State())

    init(namespace: String) {
        self.namespace = namespace
    }

    /// The answer to a request for the Secret of that name; for all of them where there is none.
    func answer(_ request: HTTPServerRequest, _ name: String?) -> HTTPServerResponse {
        do throws(StatusError) {
            switch (request.method, name) {
            case ("GET", let name?): return .json(try found(name).json(name, namespace))
            case ("PATCH", let name?): return try apply(request, name)
            case ("POST", nil): return try create(request)
            default:
                throw StatusError(405, "MethodNotAllowed", "the server does not allow this method")
            }
        } catch {
            return error.response
        }
    }

    private func found(_ name: String) throws(StatusError) -> ClusterSecret {
        guard let secret = state.withLock({ $0.secrets[name] }) else {
            throw StatusError(404, "NotFound", "secrets \"\(name)\" not found")
        }
        return secret
    }

    // MARK: Server-side apply

    private func apply(
        _ request: HTTPServerRequest,
        _ name: String
    ) throws(StatusError) -> HTTPServerResponse {
        guard request.mediaType == "application/apply-patch+yaml" else {
            throw StatusError(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include:"
                    + " application/apply-patch+yaml"
            )
        }
        let manager = request.query["fieldManager"] ?? ""
        guard !manager.isEmpty, manager.utf8.count <= 128 else {
            throw StatusError(
                422,
                "Invalid",
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for"
                    + " apply patch"
            )
        }
        let intent = try SecretIntent(request.json, name: name, namespace: namespace)
        let isTrial = request.query["dryRun"] == "All"
        return try state.withLock { (state) throws(StatusError) in
            let old = state.secrets[name]
            if let version = intent.version, version != old?.version {
                throw .conflict(of: name)
            }
            var secret = old ?? ClusterSecret()
            try secret.apply(intent, by: manager, force: request.query["force"] == "true")
            if secret != old {
                state.version += 1
                secret.version = "\(state.version)"
                if !isTrial { state.secrets[name] = secret }
            }
            return .json(secret.json(name, namespace), status: old == nil ? 201 : 200)
        }
    }

    /// As `kubectl create` does it: everything belongs to who creates it.
    private func create(_ request: HTTPServerRequest) throws(StatusError) -> HTTPServerResponse {
        let name = request.json?["metadata"]?["name"]?.string ?? ""
        let intent = try SecretIntent(request.json, name: name, namespace: namespace)
        return try state.withLock { (state) throws(StatusError) in
            guard state.secrets[name] == nil else {
                throw StatusError(409, "AlreadyExists", "secrets \"\(name)\" already exists")
            }
            var secret = ClusterSecret()
            let manager = request.query["fieldManager"] ?? "unknown"
            try secret.apply(intent, by: manager, force: false)
            state.version += 1
            secret.version = "\(state.version)"
            state.secrets[name] = secret
            return .json(secret.json(name, namespace), status: 201)
        }
    }
}

/// A Secret: the values of its fields, and who manages each.
struct ClusterSecret: Equatable {
    fileprivate(set) var version = ""
    private var values: [SecretField: String] = [:]
    private var managers: [SecretField: Set<String>] = [:]

    /// Sets what a manager wants; what it wanted before and does not any more goes, unless another one
    /// wants it, too.
    /// - Throws: ``StatusError`` where a field of another value is another manager's.
    mutating func apply(
        _ intent: SecretIntent,
        by manager: String,
        force: Bool
    ) throws(StatusError) {
        let contested = intent.values.filter { field, value in
            let others = managers[field, default: []].subtracting([manager])
            return values[field] != value && !others.isEmpty
        }
        if let (field, _) = contested.min(by: { $0.key.path < $1.key.path }), !force {
            let owner = managers[field, default: []].subtracting([manager]).min() ?? ""
            throw .managed(field.path, by: owner)
        }
        for (field, value) in intent.values {
            if contested[field] != nil { managers[field] = [] }
            values[field] = value
            managers[field, default: []].insert(manager)
        }
        for field in Array(managers.keys) where intent.values[field] == nil {
            managers[field]?.remove(manager)
            if managers[field]?.isEmpty == true {
                managers[field] = nil
                values[field] = nil
            }
        }
    }

    /// As the API gives it out.
    func json(_ name: String, _ namespace: String) -> JSON {
        func group(_ group: SecretField.Group) -> JSON {
            let members = values.filter { $0.key.group == group }
                .map { ($0.key.name, JSON.string($0.value)) }
            return .object(Dictionary(uniqueKeysWithValues: members))
        }
        let names = Set(managers.values.flatMap(\.self)).sorted()
        return [
            "apiVersion": "v1", "kind": "Secret", "data": group(.data),
            "type": .string(values[.type] ?? "Opaque"),
            "metadata": [
                "name": .string(name), "namespace": .string(namespace),
                "resourceVersion": .string(version), "annotations": group(.annotations),
                "labels": group(.labels),
                "managedFields": .array(names.map { ["manager": .string($0)] }),
            ],
        ]
    }
}

/// A field that has a manager.
struct SecretField: Hashable {
    enum Group: String {
        case data = ".data"
        case annotations = ".metadata.annotations"
        case labels = ".metadata.labels"
        case type = ".type"
    }

    let group: Group
    let name: String

    static let type = SecretField(group: .type, name: "")

    var path: String { name.isEmpty ? group.rawValue : "\(group.rawValue).\(name)" }
}

/// What a manager wants of a Secret: a document that has been checked.
struct SecretIntent {
    let version: String?
    private(set) var values: [SecretField: String] = [:]

    /// - Throws: ``StatusError`` in the API's words.
    init(_ json: JSON?, name: String, namespace: String) throws(StatusError) {
        guard json?["apiVersion"]?.string == "v1", json?["kind"]?.string == "Secret",
            let json, let metadata = json["metadata"]
        else {
            throw StatusError(
                400,
                "BadRequest",
                "the object provided is unrecognized (must be of type Secret)"
            )
        }
        guard metadata["name"]?.string == name, Self.isName(name) else {
            throw StatusError(
                400,
                "BadRequest",
                "the name of the object does not match the name on the URL (\(name))"
            )
        }
        guard metadata["namespace"]?.string ?? namespace == namespace else {
            throw StatusError(
                400,
                "BadRequest",
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        }
        guard metadata["managedFields"] == nil else {
            throw StatusError(400, "BadRequest", "metadata.managedFields must be nil")
        }
        version = metadata["resourceVersion"]?.string
        if let type = json["type"]?.string { values[.type] = type }
        for (group, object) in [
            (SecretField.Group.data, json["data"]), (.annotations, metadata["annotations"]),
            (.labels, metadata["labels"]),
        ] {
            for (key, value) in object?.object ?? [:] {
                try add(key, value, to: group)
            }
        }
    }

    private mutating func add(
        _ key: String,
        _ value: JSON,
        to group: SecretField.Group
    ) throws(StatusError) {
        guard let text = value.string else {
            throw StatusError(400, "BadRequest", "\(group.rawValue).\(key): a string is expected")
        }
        switch group {
        case .data:
            guard base64Decoded(text) != nil else {
                throw StatusError(400, "BadRequest", "illegal base64 data at input byte 0")
            }
            guard !key.isEmpty, key.utf8.count <= 253, key.isAlphanumeric(or: "-._") else {
                throw StatusError(422, "Invalid", "data[\(key)]: Invalid value: a valid config key")
            }
        case .annotations, .labels:
            // An optional prefix, and a name of at most 63.
            let parts = key.split(separator: "/", omittingEmptySubsequences: false)
            let name = parts.last ?? ""
            guard parts.count <= 2, !name.isEmpty, name.utf8.count <= 63,
                name.isAlphanumeric(or: "-._"), parts.count == 1 || Self.isName(String(parts[0]))
            else {
                throw StatusError(422, "Invalid", "\(group.rawValue): Invalid value: \"\(key)\"")
            }
        case .type: break
        }
        values[SecretField(group: group, name: key)] = text
    }

    /// A DNS-1123 subdomain.
    private static func isName(_ name: String) -> Bool {
        name.utf8.count <= 253
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                !label.isEmpty && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { $0.isLower || $0.isDigit || $0 == 0x2D }
            }
    }
}

/// The API's `Status` of a request that failed.
struct StatusError: Error {
    let code: Int
    let reason: String
    let message: String
    /// The fields that are another manager's.
    private var fields: [(path: String, manager: String)] = []

    init(_ code: Int, _ reason: String, _ message: String) {
        self.code = code
        self.reason = reason
        self.message = message
    }

    static func conflict(of name: String) -> StatusError {
        StatusError(
            409,
            "Conflict",
            "Operation cannot be fulfilled on secrets \"\(name)\": the object has been modified; please"
                + " apply your changes to the latest version and try again"
        )
    }

    static func managed(_ path: String, by manager: String) -> StatusError {
        var error = StatusError(
            409,
            "Conflict",
            "Apply failed with 1 conflict: conflict with \"\(manager)\" using v1: \(path)"
        )
        error.fields = [(path, manager)]
        return error
    }

    var response: HTTPServerResponse {
        let causes = fields.map { path, manager -> JSON in
            [
                "reason": "FieldManagerConflict", "field": .string(path),
                "message": .string("conflict with \"\(manager)\" using v1"),
            ]
        }
        return .json(
            [
                "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure",
                "message": .string(message), "reason": .string(reason),
                "details": ["causes": .array(causes)], "code": .integer(Int64(code)),
            ],
            status: code
        )
    }
}
