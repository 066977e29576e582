import Text

/// A key of a cluster's Secret, in which a credential is delivered. A worker writes it with the pod's own
/// service account.
package struct KubernetesSecret: Equatable, Sendable {
    /// The pod's own where absent.
    package let namespace: String?
    package let name: String
    /// The key of `data`.
    package let key: String
    /// What becomes of the key when its credential expires.
    package var onExpiry = FileOptions.Expiry.keep
    /// Whether what another field manager, or another account, has written under the key is overwritten.
    package var overwrites = false
    /// Where the pod finds its service account's `token`, `ca.crt` and `namespace`.
    package var directory = KubernetesSource.standardDirectory

    package init(namespace: String? = nil, name: String, key: String) {
        self.namespace = namespace
        self.name = name
        self.key = key
    }

    /// `NAMESPACE/NAME/KEY`, as the option, the status and messages have it.
    package var place: String {
        ([namespace].compactMap(\.self) + [name, key]).joined(separator: "/")
    }
}

extension KubernetesSecret {
    init(parsing entry: inout KeyedValues) throws(AccountError) {
        let namespace = try entry.text("namespace")
        let name = try entry.requiredText("name", "the name of a Secret")
        let key = try entry.requiredText("key", "the key of the Secret's data")
        if let namespace { try entry.checkLabel(namespace, "namespace") }
        try entry.checkSubdomain(name, "name")
        try entry.checkDataKey(key)
        self.init(namespace: namespace, name: name, key: key)
        onExpiry =
            try entry.choice("onExpiry", FileOptions.Expiry.self, among: ["keep", "remove"])
            ?? .keep
        overwrites = try entry.isTrue("force")
        directory = try entry.absolutePath("directory") ?? directory
        for key in ["path", "mode", "owner", "group"] where entry.has(key) {
            throw entry.error(
                key,
                "belongs to a file, and kubernetes-secret is not one",
                hint:
                    "say which Secret with namespace, name and key; who may read it is the cluster's"
                    + " matter"
            )
        }
    }

    /// `NAMESPACE/NAME/KEY` or `NAME/KEY` of `--output` as the members of an entry.
    static func members(of place: String) -> [String: JSON] {
        let parts = place.split(separator: "/", omittingEmptySubsequences: false).map {
            JSON.string(String($0))
        }
        switch parts.count {
        case 3: return ["namespace": parts[0], "name": parts[1], "key": parts[2]]
        case 2: return ["name": parts[0], "key": parts[1]]
        default: return ["name": .string(place)]
        }
    }
}

extension KeyedValues {
    /// A namespace's name. RFC 1123 section 2.1, as Kubernetes has it: a DNS label
    fileprivate func checkLabel(_ name: String, _ key: String) throws(AccountError) {
        guard name.utf8.count <= 63, isLabel(name) else {
            throw error(
                key,
                "\"\(name.printable)\" is not a name that a namespace can have",
                hint:
                    "write 1 to 63 of a-z, 0-9 and '-', the first and last no '-' (DNS-1123 label)"
            )
        }
    }

    /// An object's name: DNS labels with dots between them, 253 bytes at most.
    fileprivate func checkSubdomain(_ name: String, _ key: String) throws(AccountError) {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy(isLabel) else {
            throw error(
                key,
                "\"\(name.printable)\" is not a name that a Secret can have",
                hint:
                    "write up to 253 of a-z, 0-9, '-' and '.', each part beginning and ending with a"
                    + " letter or digit (DNS-1123 subdomain)"
            )
        }
    }

    private func isLabel(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        func isPlain(_ byte: UInt8) -> Bool { byte.isLower || byte.isDigit }
        guard let first = bytes.first, let last = bytes.last else {
            return false
        }
        return isPlain(first) && isPlain(last)
            && bytes.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "-") }
    }

    /// A key of `data`, which becomes a file's name where the Secret is mounted.
    fileprivate func checkDataKey(_ key: String) throws(AccountError) {
        guard key.utf8.count <= 253, key.isAlphanumeric(or: "-._"), key != ".",
            !key.hasPrefix("..")
        else {
            throw error(
                "key",
                "\"\(key.printable)\" is not a key that a Secret can have",
                hint:
                    "write up to 253 of letters, digits, '-', '_' and '.', not beginning with '..'"
            )
        }
    }
}
