package import Kernel
package import Text

/// What the agent asks of a worker: one JSON object on a line of its standard input.
package struct Job: Sendable {
    /// What is wanted.
    package enum Kind: Sendable {
        /// A subject token, exchanged for a credential.
        case exchange
        /// The subject token alone; from one provider if it is named, else from the account's source.
        case subjectToken(provider: String?)
        /// What the service will learn from that token: its claims, or as whom AWS knows its signer.
        case claims(provider: String?)
        /// The credential's end, before it expires (RFC 7009).
        case revoke(Secret)
        /// Runs and reports each step separately, for `doctor`; compared with a trust file's text where one is given.
        case probe(trust: String?)
        /// A call of Mondoo's GraphQL API, for `provider`; the account tells the way there.
        case graphQL(GraphQLCall)
        /// A change of a cluster's Secret, in which the account's credential is delivered.
        case secret(SecretChange)

        /// Seconds that a job of this kind may take.
        package var timeLimit: Double {
            switch self {
            case .revoke: Job.revocationTimeout
            case .secret: Job.deliveryTimeout
            case .exchange, .subjectToken, .claims, .probe, .graphQL: Job.standardTimeout
            }
        }

        /// The provider that is asked in place of the account's own source.
        package var provider: String? {
            switch self {
            case .subjectToken(let provider), .claims(let provider): provider
            case .exchange, .revoke, .probe, .graphQL, .secret: nil
            }
        }
    }

    /// The requester's number for it; comes back in the result.
    package let id: Int
    package let kind: Kind
    /// The account file's absolute path.
    package let path: String
    /// The account file's bytes.
    package let document: Secret
    /// The allow-listed environment values; the worker never looks at its own.
    package let environment: [String: String]
    /// Seconds from the worker's reading the line until the job must have ended.
    package let timeout: Double
    /// The credentials of the accounts that the account's token sources name.
    package let handedOver: [TokenRole: Secret]

    /// A whole job's time limit in seconds.
    package static let standardTimeout = 60.0
    /// The longest that a job may be given, in seconds.
    package static let longestTimeout = 600.0
    /// A revocation's time limit in seconds: somebody may wait for it to end.
    package static let revocationTimeout = 5.0
    /// A delivery's time limit in seconds: the account's other outputs wait for it.
    package static let deliveryTimeout = 10.0

    package init(
        id: Int,
        kind: Kind,
        path: String,
        document: Secret,
        environment: [String: String],
        timeout: Double? = nil,
        handedOver: [TokenRole: Secret] = [:]
    ) {
        self.id = id
        self.kind = kind
        self.path = path
        self.document = document
        self.environment = environment
        self.timeout = timeout ?? kind.timeLimit
        self.handedOver = handedOver
    }

    /// The job as a line, its line feed included; it holds secrets.
    package func line() -> [UInt8] {
        var members: [String: JSON] = [
            "id": .integer(Int64(id)), "path": .string(path), "account": .string(document.text),
            "environment": .object(environment.mapValues(JSON.string)),
            "timeout": .number(timeout),
        ]
        for (role, token) in handedOver { members[role.rawValue] = .string(token.text) }
        switch kind {
        case .exchange: members["kind"] = "exchange"
        case .subjectToken(let provider):
            members["kind"] = "subject-token"
            members["provider"] = provider.map(JSON.string) ?? .null
        case .claims(let provider):
            members["kind"] = "claims"
            members["provider"] = provider.map(JSON.string) ?? .null
        case .revoke(let credential):
            members["kind"] = "revoke"
            members["credential"] = .string(credential.text)
        case .probe(let trust):
            members["kind"] = "probe"
            members["trust"] = trust.map(JSON.string) ?? .null
        case .graphQL(let call):
            members["kind"] = "graphql"
            members["graphql"] = call.json
        case .secret(let change):
            members["kind"] = "secret"
            members["secret"] = change.json
        }
        return JSON.object(members).serialized() + [UInt8(ascii: "\n")]
    }

    /// Parses a line; `account` may also be the account file's object itself, for use by hand.
    /// - Throws: ``JSONError`` for what is no job.
    package init(parsing line: some Collection<UInt8>) throws(JSONError) {
        let json = try JSON(parsing: line)
        guard case .integer(let id) = json["id"] ?? 1, let number = Int(exactly: id) else {
            throw JSONError(reason: "id is not an integer")
        }
        let document: Secret
        switch json["account"] {
        case .string(let text)?: document = Secret(text)
        case .object(let members)?: document = Secret(JSON.object(members).serialized())
        case .null?, .bool?, .integer?, .number?, .array?, nil:
            throw JSONError(reason: "account is neither a string nor an object")
        }
        let kind: Kind
        switch json["kind"]?.string {
        case "exchange", nil: kind = .exchange
        case "subject-token": kind = .subjectToken(provider: json["provider"]?.string)
        case "claims": kind = .claims(provider: json["provider"]?.string)
        case "revoke":
            guard let credential = json["credential"]?.string, !credential.isEmpty else {
                throw JSONError(reason: "credential is missing")
            }
            kind = .revoke(Secret(credential))
        case "probe": kind = .probe(trust: json["trust"]?.string)
        case "secret": kind = .secret(try SecretChange(json: json["secret"]))
        case "graphql": kind = .graphQL(try GraphQLCall(json: json["graphql"]))
        case let other?: throw JSONError(reason: "kind \"\(other.printable)\" is not known")
        }
        self.init(
            id: number,
            kind: kind,
            path: json["path"]?.string ?? "/account.json",
            document: document,
            environment: (json["environment"]?.object ?? [:]).compactMapValues(\.string),
            timeout: (json["timeout"]?.lenientNumber ?? kind.timeLimit).clamped(
                to: 0.1...Self.longestTimeout
            ),
            handedOver: Dictionary(
                uniqueKeysWithValues: TokenRole.allCases.compactMap { role in
                    json[role.rawValue]?.string.map { (role, Secret($0)) }
                }
            )
        )
    }
}
