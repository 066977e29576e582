/// One place where an account's credential is delivered.
package struct Output: Equatable, Sendable {
    /// A file, a directory of files, a socket or a cluster's Secret, and what goes with each.
    package enum Kind: Equatable, Sendable {
        case file(Format, FileOptions)
        case directory(FileOptions)
        case socket(Format, SocketAccess)
        case kubernetesSecret(Format, KubernetesSecret)

        package var format: Format {
            switch self {
            case .file(let format, _), .socket(let format, _), .kubernetesSecret(let format, _):
                format
            case .directory: .raw
            }
        }
    }

    package let kind: Kind
    /// Absolute; of a cluster's Secret `NAMESPACE/NAME/KEY`.
    package let path: String
    /// For the format `template`.
    package let template: Template?

    package init(kind: Kind, path: String, template: Template? = nil) {
        self.kind = kind
        self.path = path
        self.template = template
    }

    package var format: Format { kind.format }

    /// The Secret that it is a key of; `nil` for any other.
    package var secret: KubernetesSecret? {
        if case .kubernetesSecret(_, let secret) = kind { secret } else { nil }
    }

    /// Whether readers connect to it.
    package var isSocket: Bool {
        if case .socket = kind { true } else { false }
    }

    /// The account file's word for it ("raw", "socket").
    package var word: String {
        switch kind {
        case .file(let format, _): format.rawValue
        case .directory: Destination.directory.rawValue
        case .socket: Destination.socket.rawValue
        case .kubernetesSecret: Destination.kubernetesSecret.rawValue
        }
    }
}

/// Where a credential is delivered that is no file of one format.
package enum Destination: String, CaseIterable, Sendable {
    /// A directory of files that are always of one generation.
    case directory
    /// A Unix stream socket.
    case socket
    /// A key of a cluster's Secret.
    case kubernetesSecret = "kubernetes-secret"
}

/// How a delivered file is made.
package struct FileOptions: Equatable, Sendable {
    /// What becomes of the file when its credential expires.
    package enum Expiry: String, Sendable {
        case keep
        case remove
    }

    /// Permission bits within 0777.
    package var mode: UInt32 = 0o600
    /// A user's name or number; the agent's own where absent.
    package var owner: String?
    /// A group's name or number.
    package var group: String?
    package var onExpiry = Expiry.keep
    /// Whether others may write to the directory it is in, and so put something else in its place.
    package var isDirectoryShared = false

    package init() {}
}

/// Who may read a credential socket.
package struct SocketAccess: Equatable, Sendable {
    /// Permission bits of the socket file; where absent 0600, or 0666 with a list of users or groups.
    package var mode: UInt32?
    package var owner: String?
    package var group: String?
    /// Users by name or number; nobody beyond root, the agent and the owner where empty.
    package var users: [String] = []
    package var groups: [String] = []
    /// systemd units; peers that are none are refused where this is not empty.
    package var units: [String] = []

    package init() {}

    /// The mode with its default.
    package var effectiveMode: UInt32 {
        mode ?? (users.isEmpty && groups.isEmpty ? 0o600 : 0o666)
    }
}
