import Crypto
import Federation
import Kernel
import Serving
import Text

/// A service that an account file of the service `oauth` describes by configuration alone.
struct TokenVendor: Role {
    /// What it makes of a request that is its own.
    struct Rules: Sendable {
        /// Of its token endpoint.
        let path: String
        /// The audience that tokens must name.
        let audience: String
        let answer:
            @Sendable (HTTPServerRequest, TokenVendor) throws(OAuthRefusal) -> HTTPServerResponse
        /// A refusal in the form that the service has for it.
        var refusal: @Sendable (OAuthRefusal) -> HTTPServerResponse = { $0.response }
        /// What it publishes, with the path of each; the base URL is handed in.
        var documents: @Sendable (_ url: String) -> [String: JSON] = { _ in [:] }
    }

    let world: World
    let name: RoleName
    let rules: Rules
    private let tokens: AccessTokens

    init(_ name: RoleName, _ rules: Rules, in world: World) {
        (self.world, self.name, self.rules) = (world, name, rules)
        tokens = AccessTokens(world: world, role: name)
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path == rules.path || rules.documents("")[request.path] != nil
    }

    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        if let document = rules.documents(world.url(of: name))[request.path] {
            return .json(document)
        }
        do throws(OAuthRefusal) {
            return try rules.answer(request, self)
        } catch {
            return rules.refusal(error)
        }
    }

    /// The claims of a token made for this service.
    func verified(_ token: String) throws(OAuthRefusal) -> TokenClaims {
        let claims = try world.verified(token)
        guard world.names(rules.audience, in: claims) else {
            var refusal = OAuthRefusal(
                "invalid_grant",
                "the token's audience is not \(rules.audience)"
            )
            refusal.isOfAudience = true
            throw refusal
        }
        return claims
    }

    /// A new credential for whom the claims name; its lifetime in seconds.
    func issue(_ prefix: String, for claims: TokenClaims) -> (token: String, lifetime: Int64) {
        let lifetime = min(world.options.credentialLifetime, 3600)
        let token = prefix + randomHex(bytes: 24)
        tokens.add(token, for: claims.subject ?? "", lifetime: lifetime)
        return (token, lifetime)
    }

    /// The members of a body that must be JSON, with these among them.
    static func json(
        _ request: HTTPServerRequest,
        with parameters: [String: String] = [:]
    ) throws(OAuthRefusal) -> [String: JSON] {
        let members = try members(request)
        for (name, value) in parameters { try expect(name, value, in: members) }
        return members
    }

    private static func members(_ request: HTTPServerRequest) throws(OAuthRefusal) -> [String: JSON]
    {
        guard request.method == "POST", request.mediaType == "application/json" else {
            throw OAuthRefusal("invalid_request", "POST of application/json is expected")
        }
        do throws(JSONError) {
            if let members = try JSON(parsing: request.body).object { return members }
        } catch {
            throw OAuthRefusal("invalid_request", "the body is not JSON: \(error.reason)")
        }
        throw OAuthRefusal("invalid_request", "the body is not a JSON object")
    }

    /// Refuses a parameter that is not as it must be.
    static func expect(
        _ name: String,
        _ value: String,
        in members: [String: JSON],
        or code: String = "invalid_request"
    ) throws(OAuthRefusal) {
        guard members[name]?.string == value else {
            throw OAuthRefusal(code, "\(name) is not \(value)")
        }
    }
}

extension Part {
    /// A service of this kind, and what an account file says to reach it beside `tokenUrl`, `audience`;
    /// the parameters are the further ones of the request.
    static func vendor(
        _ word: String,
        _ rules: TokenVendor.Rules,
        account: [String: JSON],
        parameters: [String: String] = [:]
    ) -> Part {
        let name = RoleName(word)
        return Part(
            name: name,
            accountFile: { world, _ in
                let url = world.url(of: name) + rules.path
                let base: [String: JSON] = [
                    "service": "oauth", "tokenUrl": .string(url),
                    "tokenAudience": .string(rules.audience),
                ]
                var file = base.merging(account) { $1 }
                if !parameters.isEmpty {
                    file["parameters"] = .object(parameters.mapValues(JSON.string))
                }
                return file
            },
            player: { TokenVendor(name, rules, in: $0) }
        )
    }

    /// Those that are played.
    static let vendors: [Part] = [.entra, .keycloak, .anthropic, .openai, .vault, .octoSTS]
}
