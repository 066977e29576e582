import Federation
import FoundationEssentials
import Serving
import Text

extension Part {
    static let oauth = Part(
        of: .oauth,
        accountFile: { world, _ in
            [
                "tokenUrl": .string(world.url(of: .oauth) + "/oauth/token"),
                "revokeUrl": .string(world.url(of: .oauth) + "/oauth/revoke"),
                "audience": "https://api.example.com",
            ]
        },
        player: { GenericOAuth(world: $0) }
    )
}

/// A token endpoint of RFC 8693 as it is in the book, with revocation and a resource.
struct GenericOAuth: OAuthRole {
    let world: World
    private let tokens: AccessTokens

    init(world: World) {
        self.world = world
        tokens = AccessTokens(world: world, role: .oauth)
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path.hasPrefix("/oauth/")
    }

    func reply(to request: HTTPServerRequest) throws(OAuthRefusal) -> HTTPServerResponse {
        switch request.path {
        case "/oauth/token": return try exchange(request)
        case "/oauth/revoke": return try tokens.revoke(request, takesJSON: false)
        case "/oauth/resource": return resource(request)
        default: return HTTPServerResponse(status: 404)
        }
    }

    private func exchange(_ request: HTTPServerRequest) throws(OAuthRefusal) -> HTTPServerResponse {
        let parameters = try OAuthParameters(of: request, takesJSON: true)
        let token = try parameters.subjectToken(ofTypes: ["jwt", "id_token", "access_token"])
        let wanted = try parameters.optional("requested_token_type") ?? ""
        guard ["", "urn:ietf:params:oauth:token-type:access_token"].contains(wanted) else {
            throw OAuthRefusal("invalid_request", "only access tokens are issued here")
        }
        for resource in parameters.all("resource") {
            guard resource.contains("://"), !resource.contains("#") else {
                throw OAuthRefusal("invalid_target", "resource must be an absolute URI")
            }
        }
        let claims = try world.verified(token)
        let actor = try actor(parameters)
        let lifetime = world.options.credentialLifetime
        let issued = randomHex(bytes: 24)
        let scope = [claims.subject ?? "", actor].compactMap(\.self).joined(separator: "\n")
        tokens.add(issued, for: scope, lifetime: lifetime)
        return .token(issued, lifetime: .integer(lifetime))
    }

    private func resource(_ request: HTTPServerRequest) -> HTTPServerResponse {
        guard let token = request.authorization("bearer"), let scope = tokens.scope(of: token)
        else { return OAuthRefusal("invalid_token", "no such token", status: 401).response }
        let parts = scope.split(separator: "\n").map(String.init)
        var claims: [String: JSON] = ["sub": .string(parts.first ?? "")]
        // RFC 8693 section 4.1
        if parts.count > 1 { claims["act"] = ["sub": .string(parts[1])] }
        return .json(.object(claims))
    }

    /// Who acts for the subject; `nil` where nobody does. RFC 8693 section 2.1
    private func actor(_ parameters: OAuthParameters) throws(OAuthRefusal) -> String? {
        let type = try parameters.optional("actor_token_type")
        guard let token = try parameters.optional("actor_token") else {
            guard type == nil else {
                throw OAuthRefusal("invalid_request", "actor_token_type without actor_token")
            }
            return nil
        }
        let prefix = "urn:ietf:params:oauth:token-type:"
        switch type {
        case nil: throw OAuthRefusal("invalid_request", "actor_token_type is missing")
        case prefix + "jwt", prefix + "id_token":
            return try world.verified(token).subject ?? ""
        case prefix + "access_token":
            guard let scope = tokens.scope(of: token) else {
                throw OAuthRefusal("invalid_grant", "the actor token is not known")
            }
            return scope.split(separator: "\n").first.map(String.init)
        default: throw OAuthRefusal("invalid_request", "the actor_token_type is not known")
        }
    }
}
