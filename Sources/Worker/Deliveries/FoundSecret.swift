import Crypto
import Federation
import HTTP
import Kernel
import Text

/// Who owns a key in a cluster's eyes, and the annotation that tells of it.
struct FieldManager {
    private let key: String

    init(of key: String) { self.key = key }

    /// At most 128 bytes, which is what the API takes.
    var name: String { "wif-agent." + (key.utf8.count <= 100 ? key : digest) }

    /// A key may be longer than an annotation's name, and of other characters.
    var annotation: String { "wif-agent/key-\(digest)" }

    private var digest: String { String(hexadecimal(sha256(Array(key.utf8))).prefix(16)) }
}

/// What an annotation tells of the credential under a key: whose it is, and of when.
struct SecretMark: Equatable {
    let key: String
    let account: String
    /// A digest; of ``AccountIdentity/textWithoutSecrets``.
    let identity: String
    /// Milliseconds since 1970.
    let issued: Int64
    let expires: Int64

    /// - Parameter now: the cluster's clock. What the service dates later counts as of then: its clock is
    ///   ahead, and the next credential may be dated by another one.
    init(_ change: SecretChange, at now: WallTime) {
        key = change.secret.key
        account = change.account
        identity = Self.digest(change.identity)
        issued = min(Self.milliseconds(change.issuedAt), Self.milliseconds(now))
        expires = Self.milliseconds(change.expiresAt)
    }

    /// `nil` for what this program did not write.
    init?(parsing text: String) {
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: Array(text.utf8)) } catch { return nil }
        guard let key = json["key"]?.string, let account = json["account"]?.string,
            let identity = json["identity"]?.string,
            case .integer(let issued)? = json["issued"],
            case .integer(let expires)? = json["expires"]
        else { return nil }
        self.key = key
        self.account = account
        self.identity = identity
        self.issued = issued
        self.expires = expires
    }

    /// As the annotation has it, with the dates for people beside.
    var text: String {
        let object: JSON = [
            "key": .string(key), "account": .string(account), "identity": .string(identity),
            "issued": .integer(issued), "expires": .integer(expires),
            "issuedAt": .string(rfc3339(Self.date(issued))),
            "expiresAt": .string(rfc3339(Self.date(expires))),
        ]
        return String(decoding: object.serialized(), as: UTF8.self)
    }

    static func digest(_ identity: String) -> String {
        hexadecimal(sha256(Array(identity.utf8)))
    }

    /// Milliseconds by which a date may lie in the future; a later one says nothing.
    private static let tolerance: Int64 = 60_000

    /// Whether the credential there is younger than the one that is to be written, and lives.
    func isNewer(than change: SecretChange, at now: WallTime) -> Bool {
        let (own, date) = (SecretMark(change, at: now), Self.milliseconds(now))
        return issued > own.issued && issued <= date + Self.tolerance && expires > date
    }

    /// Whether it is of one of the account's identities, the present one or one before.
    func isOwn(of change: SecretChange) -> Bool {
        ([change.identity] + change.formerIdentities).map(Self.digest).contains(identity)
    }

    /// Whether it is of an account of that name, whose identity was another, and has expired.
    func isLeftover(of change: SecretChange, at now: WallTime) -> Bool {
        account == change.account && expires <= Self.milliseconds(now)
    }

    /// Whether what is there is what the account wrote, or older.
    func isRemovable(by change: SecretChange) -> Bool {
        isOwn(of: change) && issued <= Self.milliseconds(change.issuedAt)
    }

    private static func milliseconds(_ date: WallTime) -> Int64 {
        Int64((date.secondsSinceEpoch * 1000).clamped(to: -1e15...1e15))
    }

    private static func date(_ milliseconds: Int64) -> WallTime {
        WallTime(secondsSinceEpoch: Double(milliseconds) / 1000)
    }
}

/// A Secret as it was read: which version, and what its annotation tells of the key.
struct FoundSecret {
    /// `nil` where there is none.
    let version: String?
    let mark: SecretMark?
    /// The cluster's clock.
    let date: WallTime

    /// None was found.
    init(none date: WallTime) {
        version = nil
        mark = nil
        self.date = date
    }

    /// - Throws: `Failure` for a reply that is no Secret.
    init(_ reply: HTTPResponse, _ manager: FieldManager, _ now: WallTime) throws(Failure) {
        var bytes = reply.body.bytes
        defer { wipe(&bytes) }
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw Self.strange("its answer is not JSON: \(error.reason)")
        }
        guard json["kind"]?.string == "Secret", let metadata = json["metadata"],
            let version = metadata["resourceVersion"]?.string, !version.isEmpty
        else { throw Self.strange("its answer is not a Secret with a resourceVersion") }
        self.version = version
        let text = metadata["annotations"]?[manager.annotation]?.string
        mark = text.flatMap(SecretMark.init(parsing:))
        date = reply.date ?? now
    }

    private static func strange(_ what: String) -> Failure {
        Failure(
            .transient,
            at: .output,
            "the cluster's API: \(what)",
            hint:
                "another server answers in the API server's place: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be"
                + " those that the pod was given"
        )
    }
}

/// A `Status` of the API: why something was not done.
struct StatusReply {
    /// For a message; empty where the reply does not tell.
    let text: String
    /// Whether the fields are another manager's, and no version is at fault.
    let isOfManagers: Bool
    /// What the cluster says, in lower case.
    private let words: String

    init(_ reply: HTTPResponse) {
        var json: JSON?
        do throws(JSONError) { json = try JSON(parsing: reply.body.bytes) } catch {
            // Somebody between here and the API answered.
        }
        guard json?["kind"]?.string == "Status" else {
            (text, isOfManagers, words) = ("", false, "")
            return
        }
        let causes = json?["details"]?["causes"]?.array ?? []
        isOfManagers = causes.contains { $0["reason"]?.string == "FieldManagerConflict" }
        let message = json?["message"]?.string
        text = message.map { ": \($0.printable)" } ?? ""
        words = (message ?? "").lowercased()
    }

    private func says(_ parts: String...) -> Bool { parts.contains(where: words.contains) }

    /// What to do about a reason that the cluster itself names; `nil` where the status says as much.
    ///
    /// - Parameters:
    ///   - secret: with its namespace.
    ///   - account: the service account that asks, with its namespace.
    func hint(for secret: String, _ account: String) -> String? {
        let parts = secret.split(separator: "/", maxSplits: 1)
        let (namespace, name) = (parts.first ?? "", parts.last ?? "")
        if says("immutable") {
            return
                "the Secret \(secret) is immutable and cannot be changed by anybody: kubectl -n \(namespace) delete secret"
                + " \(name), and it is made again, without immutable: true"
        }
        if says("failed calling webhook", "failed to call webhook") {
            return
                "an admission webhook of the cluster does not answer, so that nothing is let through: have whoever runs it see to"
                + " its pods and certificate, or to its failurePolicy; the agent tries again by itself"
        }
        if says("admission webhook", "validatingadmissionpolicy", "denied the request", "policy") {
            return
                "a policy of the cluster denies the change, for the reason above, and not the role of \(account): make the Secret"
                + " beforehand as the policy wants it (kubectl -n \(namespace) create secret generic \(name), with the labels"
                + " that it names), or have the namespace or the service account exempted from it"
        }
        if says("exceeded quota") {
            return
                "a ResourceQuota of the namespace \(namespace) is used up: delete Secrets that nobody needs, or have the quota"
                + " raised (kubectl -n \(namespace) describe resourcequota)"
        }
        if says("being terminated") {
            return
                "the namespace \(namespace) is being deleted: name another namespace in the output, or wait until it is gone and"
                + " make it anew"
        }
        return says("too large", "too long", "may not be more than")
            ? "the Secret would be over the 1 MiB that a Secret may have: give this credential a Secret of its own"
            : nil
    }
}
