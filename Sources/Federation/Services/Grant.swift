import Kernel
import Text

/// In what form a token endpoint is given the subject token.
package enum Grant: String, CaseIterable, Sendable {
    /// `subject_token`. RFC 8693 section 2.1
    case tokenExchange = "token-exchange"
    /// `assertion`. RFC 7523 section 2.1
    case jwtBearer = "jwt-bearer"
    /// `client_assertion`. RFC 7523 section 2.2
    case clientCredentials = "client-credentials"
    /// A member of one's own and no `grant_type`: HashiCorp Vault's JWT login, and its like.
    case login
    /// The bearer token of a GET with the parameters in its query: octo-sts.
    case bearer

    /// The parameters that it sets itself, which nobody else may.
    var ownParameters: Set<String> {
        let exchange: Set = [
            "subject_token", "subject_token_type", "requested_token_type", "audience",
        ]
        switch self {
        case .tokenExchange:
            return Self.common.union(exchange).union(["actor_token", "actor_token_type", "options"])
        case .jwtBearer: return Self.common.union(["assertion"])
        case .clientCredentials:
            return Self.common.union(["client_assertion", "client_assertion_type"])
        case .login, .bearer: return []
        }
    }

    private static let common: Set = ["grant_type", "client_id", "scope", "resource"]

    /// Whether it is one of OAuth's, with `grant_type`, `client_id`, `scope` and `resource`.
    package var isOAuth: Bool { self != .login && self != .bearer }
}

/// Where a JSON reply holds what is wanted: names of members, from the outside in.
package struct ResponseShape: Equatable, Sendable {
    package var credential = ["access_token"]
    package var lifetime = ["expires_in"]
}

extension KeyedValues {
    /// `grant`, and the keys that do not go with it refused.
    mutating func grant() throws(AccountError) -> Grant {
        let names = Grant.allCases.map(\.rawValue)
        let grant = try choice("grant", Grant.self, among: names) ?? .tokenExchange
        if grant != .tokenExchange {
            for key in ["subjectTokenType", "requestedTokenType"] where has(key) {
                throw error(
                    key,
                    "goes with the grant token-exchange, and not with \(grant.rawValue)"
                )
            }
        }
        if !grant.isOAuth {
            for key in ["clientId", "scopes", "resource"] where has(key) {
                throw error(
                    key,
                    "is not sent with the grant \(grant.rawValue)",
                    hint: "name it in parameters as the service knows it"
                )
            }
        }
        return grant
    }

    /// The member that holds the token with the grant `login`.
    mutating func tokenName(for grant: Grant) throws(AccountError) -> String {
        let name = try text("tokenName")
        if let name, grant != .login {
            throw error(
                "tokenName",
                "\(name.printable) goes with the grant login, and the grant is \(grant.rawValue)"
            )
        }
        return name ?? "jwt"
    }

    /// `parameters`: further ones of the request, as they are written.
    mutating func parameters(
        for grant: Grant,
        token: String
    ) throws(AccountError) -> [(name: String, value: String)] {
        guard let value = take("parameters") else { return [] }
        guard let members = value.object else {
            throw mismatch("parameters", value, .object)
        }
        var parameters: [(name: String, value: String)] = []
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            let key = "parameters.\(name.printable)"
            guard let text = value.string else {
                throw mismatch(key, value, .string)
            }
            if grant.ownParameters.contains(name) || (grant == .login && name == token) {
                throw error(
                    key,
                    "is set by the grant \(grant.rawValue) itself",
                    hint: Self.ownKeys[name].map { "write it as the key \($0)" }
                )
            }
            if Self.longLived.contains(name) {
                throw error(
                    key,
                    "is a long-lived key, and wif-agent uses no such keys",
                    hint: "remove it: the subject token is the only proof, and the service must be"
                        + " set up to accept it"
                )
            }
            parameters.append((name, text))
        }
        return parameters
    }

    /// `response`: where the credential and its lifetime stand in a reply.
    mutating func responseShape() throws(AccountError) -> ResponseShape {
        guard var response = try object("response") else { return ResponseShape() }
        var shape = ResponseShape()
        guard let credential = try response.memberPath("credential") else {
            throw response.missing("credential", "the path of the credential (a.b)")
        }
        shape.credential = credential
        if let lifetime = try response.memberPath("lifetime") { shape.lifetime = lifetime }
        finish(response)
        return shape
    }

    private mutating func memberPath(_ key: String) throws(AccountError) -> [String]? {
        guard let text = try text(key) else { return nil }
        let names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !names.contains(where: \.isEmpty) else {
            throw error(key, "\"\(text.printable)\" is not a path of members, such as auth.token")
        }
        return names
    }

    /// The account file's keys for parameters that the grants set.
    private static let ownKeys = [
        "audience": "audience", "client_id": "clientId", "scope": "scopes", "resource": "resource",
        "actor_token": "actorToken", "actor_token_type": "actorTokenType",
        "subject_token_type": "subjectTokenType", "requested_token_type": "requestedTokenType",
        "grant_type": "grant",
    ]

    static let longLived: Set = ["client_secret", "password", "refresh_token"]
}
