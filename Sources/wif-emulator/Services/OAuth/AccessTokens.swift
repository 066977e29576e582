import Federation
import FoundationEssentials
import Kernel
import Serving
import Synchronization
import Text

/// The access tokens that a service has handed out and not yet forgotten.
final class AccessTokens: Sendable {
    private struct Entry {
        /// What the token is good for.
        let scope: String
        /// Since 1970.
        let expiry: Double
    }

    private let world: World
    private let role: RoleName
    private let entries = Mutex<[String: Entry]>([:])

    init(world: World, role: RoleName) {
        (self.world, self.role) = (world, role)
    }

    /// Takes a new token into the books, its lifetime in seconds.
    func add(_ token: String, for scope: String, lifetime: Int64) {
        let now = world.clock.now.secondsSinceEpoch
        entries.withLock { entries in
            entries = entries.filter { $0.value.expiry > now }
            entries[token] = Entry(scope: scope, expiry: now + Double(lifetime))
        }
        world.note("credential", from: role.rawValue, token)
    }

    /// What a token that lives is good for.
    func scope(of token: String) -> String? {
        let now = world.clock.now.secondsSinceEpoch
        return entries.withLock { $0[token] }.flatMap { $0.expiry > now ? $0.scope : nil }
    }

    /// Ends a token; one that nobody knows is no error. RFC 7009 section 2.2
    func revoke(_ request: HTTPServerRequest, takesJSON: Bool) throws(OAuthRefusal)
        -> HTTPServerResponse
    {
        let parameters = try OAuthParameters(of: request, takesJSON: takesJSON)
        let token = try parameters.required("token")
        let hint = try parameters.optional("token_type_hint") ?? "access_token"
        guard hint == "access_token" else {
            throw OAuthRefusal("unsupported_token_type", "only access tokens are revoked here")
        }
        entries.withLock { $0[token] = nil }
        return HTTPServerResponse(status: 200)
    }
}

extension HTTPServerResponse {
    /// A token in reply to an exchange. RFC 8693 section 2.2.1
    static func token(
        _ token: String,
        lifetime: JSON?,
        type: String = "access_token"
    ) -> HTTPServerResponse {
        var members: [String: JSON] = [
            "access_token": .string(token), "token_type": "Bearer",
            "issued_token_type": .string("urn:ietf:params:oauth:token-type:\(type)"),
        ]
        members["expires_in"] = lifetime
        return .json(.object(members), headers: [HTTPField("Cache-Control", "no-store")])
    }
}
