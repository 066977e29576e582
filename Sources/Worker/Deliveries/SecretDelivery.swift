import Crypto
import Federation
import HTTP
import Kernel
import Text
import TokenSources

/// A credential under a key of a cluster's Secret, put there by server-side apply.
///
/// The Secret is read first, and written with the version that was read, so that a writer in between is
/// noticed: what is there is never replaced by an older credential, and never by another identity's. Each
/// key has a field manager of its own, so that several accounts may use one Secret.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/>
struct SecretDelivery: Sendable {
    private let change: SecretChange
    private let cluster: ClusterAPI
    private let namespace: String
    /// The clock of a reply without a date.
    private let clock: any Timekeeper

    /// How often a Secret is read again that somebody else has written meanwhile.
    private static let attempts = 3
    /// What creates the Secret, and owns no key of it.
    private static let creator = "wif-agent"

    /// - Throws: `Failure` where this is no pod of a cluster.
    init(_ change: SecretChange, _ context: SourceContext) throws(Failure) {
        self.change = change
        cluster = try ClusterAPI(forDelivery: change.secret.directory, context)
        if let namespace = change.secret.namespace {
            self.namespace = namespace
        } else {
            namespace = try cluster.ownNamespace()
        }
        clock = context.timekeeper
    }

    /// Makes the change, or finds that there is nothing to be done.
    ///
    /// - Returns: what the reader should know, ready to print.
    /// - Throws: `Failure`: `misconfigured` where the cluster refuses or the key is somebody else's, else
    ///   transient.
    func run() async throws(Failure) -> [String] {
        for attempt in 1...Self.attempts {
            guard let found = try await present() else { return [] }
            switch change.action {
            case .look:
                try checkOwner(found)
                try await tryOut(found)
                return []
            case .remove:
                guard found.mark?.isRemovable(by: change) == true else { return [] }
                if try await apply(nil, over: found, isLast: attempt == Self.attempts) { return [] }
            case .write(let content):
                try checkOwner(found)
                if let mark = found.mark, mark.isOwn(of: change),
                    mark.isNewer(than: change, at: found.date)
                {
                    let place = change.secret.place.printable
                    return ["\(place) holds a newer credential of the account, which is left there"]
                }
                if try await apply(content, over: found, isLast: attempt == Self.attempts) {
                    return []
                }
            }
        }
        return []
    }

    // MARK: What is there

    /// The Secret as it is, made where it is missing and something is to be written to it.
    private func present() async throws(Failure) -> FoundSecret? {
        let reply = try await send("GET", "", nil)
        if reply.status == 200 { return try FoundSecret(reply, manager, clock.wallClock) }
        guard reply.status == 404 else { throw failure(reply, doing: "get") }
        switch change.action {
        case .remove: return nil
        case .look: return FoundSecret(none: clock.wallClock)
        case .write: break
        }
        // Nothing that somebody may have written meanwhile is touched by that.
        let document = head(
            metadata: ["labels": ["app.kubernetes.io/managed-by": .string(Self.creator)]],
            members: ["type": "Opaque"]
        )
        let made = try await patch(document, as: Self.creator)
        guard made.status == 200 || made.status == 201 else { throw failure(made, doing: "create") }
        return try FoundSecret(made, manager, clock.wallClock)
    }

    private func checkOwner(_ found: FoundSecret) throws(Failure) {
        guard let mark = found.mark, !change.secret.overwrites else { return }
        guard !mark.isOwn(of: change), !mark.isLeftover(of: change, at: found.date) else { return }
        throw Failure(
            .misconfigured,
            at: .output,
            "holds the credential of another identity, of the account"
                + " \"\(mark.account.printable)\"",
            hint:
                "give each account a key of its own; where this one is to take over, remove the key"
                + " from the Secret, or set \"force\": true"
        )
    }

    // MARK: Changes

    /// Writes the key, or gives it up; `false` where the Secret has changed since it was read.
    private func apply(
        _ content: Secret?,
        over found: FoundSecret,
        isLast: Bool
    ) async throws(Failure) -> Bool {
        let reply = try await patch(
            document(content, found),
            as: manager,
            force: change.secret.overwrites
        )
        if reply.status == 200 || reply.status == 201 { return true }
        if reply.status == 409, !StatusReply(reply).isOfManagers, !isLast { return false }
        throw failure(reply, doing: "patch")
    }

    /// Has the cluster judge a change without making it.
    private func tryOut(_ found: FoundSecret) async throws(Failure) {
        let reply = try await patch(
            document(Secret("x"), found),
            as: manager,
            force: change.secret.overwrites,
            isTrial: true
        )
        guard reply.status == 200 || reply.status == 201 else {
            throw failure(reply, doing: found.version == nil ? "create" : "patch")
        }
    }

    private func document(_ content: Secret?, _ found: FoundSecret) -> JSON {
        var metadata: [String: JSON] = [:]
        metadata["resourceVersion"] = found.version.map(JSON.string)
        guard let content else { return head(metadata: metadata) }
        metadata["annotations"] = [
            manager.annotation: .string(SecretMark(change, at: found.date).text)
        ]
        let data: JSON = .object([change.secret.key: .string(base64Encoded(content.bytes))])
        return head(metadata: metadata, members: ["data": data])
    }

    private func head(metadata: [String: JSON], members: [String: JSON] = [:]) -> JSON {
        var metadata = metadata
        metadata["name"] = .string(change.secret.name)
        metadata["namespace"] = .string(namespace)
        var document = members
        document["apiVersion"] = "v1"
        document["kind"] = "Secret"
        document["metadata"] = .object(metadata)
        return .object(document)
    }

    // MARK: Requests

    private var manager: FieldManager { FieldManager(of: change.secret.key) }

    private func patch(
        _ document: JSON,
        as manager: FieldManager,
        force: Bool,
        isTrial: Bool = false
    ) async throws(Failure) -> HTTPResponse {
        try await patch(document, as: manager.name, force: force, isTrial: isTrial)
    }

    private func patch(
        _ document: JSON,
        as manager: String,
        force: Bool = false,
        isTrial: Bool = false
    ) async throws(Failure) -> HTTPResponse {
        let query =
            "?fieldManager=\(percentEncoded(manager))&force=\(force)"
            + (isTrial ? "&dryRun=All" : "")
        // JSON is YAML.
        return try await send("PATCH", query, Secret(document.serialized()))
    }

    private func send(
        _ method: String,
        _ query: String,
        _ body: Secret?
    ) async throws(Failure) -> HTTPResponse {
        let path =
            "/api/v1/namespaces/\(percentEncoded(namespace))/secrets/"
            + percentEncoded(change.secret.name)
        return try await cluster.send(
            cluster.request(
                method,
                path + query,
                type: body == nil ? nil : "application/apply-patch+yaml",
                body: body
            )
        )
    }

    private func failure(_ reply: HTTPResponse, doing verb: String) -> Failure {
        let status = StatusReply(reply)
        let isPassing = reply.status == 408 || reply.status == 429 || reply.status >= 500
        // A Secret that somebody writes all the time.
        let isBusy = reply.status == 409 && !status.isOfManagers
        return Failure(
            reply.status == 429 ? .throttled : isPassing || isBusy ? .transient : .misconfigured,
            at: .output,
            "the cluster's API answers \(reply.status) to \(verb)\(status.text)",
            hint: hint(reply.status, status, verb),
            retryAfter: reply.retryAfter(now: clock.wallClock)
        )
    }

    private func hint(_ code: Int, _ status: StatusReply, _ verb: String) -> String? {
        let place = namespace.printable
        let account = cluster.serviceAccount.map { "\($0.namespace)/\($0.name)" } ?? "its own"
        if let hint = status.hint(
            for: "\(place)/\(change.secret.name.printable)",
            account.printable
        ) {
            return hint
        }
        switch code {
        case 401:
            return
                "the API server does not take the pod's own token: mount the present one of this cluster"
                + " (automountServiceAccountToken: true), or make the pod anew"
        case 403:
            return
                "the service account \(account.printable) needs a role in the namespace \(place) that"
                + " allows \(verb) of secrets: kubectl -n \(place) apply -f secret-role.yaml"
                + " (packaging/kubernetes), which allows get, create and patch, with that account as its"
                + " subject"
        case 404: return "kubectl create namespace \(place)"
        case 409 where status.isOfManagers:
            return
                "another field manager wrote this key: choose another key, have that manager leave it"
                + " out, or set \"force\": true to take it over"
        case 409: return "something else writes this Secret again and again"
        default: return nil
        }
    }
}
