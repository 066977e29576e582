import Crypto
import Federation
import Serving
import Synchronization
import Text

/// The back end of Azure's managed identities: one token per resource, kept for as long as it lives,
/// so that what a workload gets may be a day old.
final class AzureTokens: Sendable {
    /// Why there is no token.
    enum Refusal: Error {
        case request(String)
        /// The tenant does not know it.
        case resource(String)

        /// As the endpoints of a machine have it.
        var response: HTTPServerResponse {
            switch self {
            case .request(let text): .oauthError(400, "invalid_request", text)
            case .resource(let name):
                .oauthError(
                    400,
                    "invalid_resource",
                    "AADSTS500011: the resource principal named \(name) was not found in the tenant"
                )
            }
        }
    }

    private struct Token {
        let value: String
        let notBefore: Int64
        let expiry: Int64
    }

    private let tokens = Mutex<[String: Token]>([:])

    /// Answers a request for a token as the endpoints of a machine do.
    func answer(
        _ fields: [HTTPField],
        from role: RoleName,
        in world: World
    ) throws(CryptoError) -> HTTPServerResponse {
        switch try result(fields, from: role, in: world) {
        case .success(let reply): .json(reply)
        case .failure(let refusal): refusal.response
        }
    }

    /// What a request for a token comes to, the members of the reply or the reason why there is none.
    func result(
        _ fields: [HTTPField],
        from role: RoleName,
        in world: World
    ) throws(CryptoError) -> Result<JSON, Refusal> {
        guard let resource = fields["resource"], !resource.isEmpty else {
            return .failure(.request("the parameter resource is missing"))
        }
        if let refusal = refusal(of: fields, resource, world) { return .failure(refusal) }
        let now = world.clock.seconds
        let token = try token(for: resource, now, role, world)
        // Every value is a string here, numbers too.
        let reply: [String: String] = [
            "access_token": token.value,
            "client_id": world.claims(of: .azure)["appid"]?.string ?? "",
            "resource": resource,
            "expires_in": String(token.expiry - now), "expires_on": String(token.expiry),
            "ext_expires_in": String(token.expiry - now), "not_before": String(token.notBefore),
            "token_type": "Bearer",
        ]
        return .success(.object(reply.mapValues(JSON.string)))
    }

    private func refusal(
        of fields: [HTTPField],
        _ resource: String,
        _ world: World
    ) -> Refusal? {
        let claims = world.claims(of: .azure)
        let own = [
            "client_id": "appid", "object_id": "oid", "msi_res_id": "xms_mirid",
            "mi_res_id": "xms_mirid",
        ]
        let selectors = fields.filter { own[$0.name] != nil }
        if selectors.count > 1 {
            return .request("only one of client_id, object_id and msi_res_id may be set")
        }
        for selector in selectors {
            let wanted = claims[own[selector.name] ?? ""]?.string ?? ""
            if wanted.lowercased() != selector.value.lowercased() {
                return .request("Identity not found")
            }
        }
        return world.options.isAzureResource(resource) ? nil : .resource(resource)
    }

    private func token(
        for resource: String,
        _ now: Int64,
        _ role: RoleName,
        _ world: World
    ) throws(CryptoError) -> Token {
        if let kept = tokens.withLock({ $0[resource] }), kept.expiry > now {
            world.note("subject-token", from: role.rawValue, kept.value)
            return kept
        }
        // As though somebody had asked before: a first token is that old, later ones are new.
        let isFirst = tokens.withLock { $0[resource] } == nil
        // For ConductorOne, which takes none of over 10 minutes, nobody has asked before.
        let isOld = isFirst && resource != World.azureTenantResource
        let age = isOld ? world.options.azureTokenAge : 300
        var claims = world.claims(of: .azure)
        let start = now - age
        let expiry = start + world.tokenLifetime(of: .azure)
        claims["aud"] = claims["aud"] ?? .string(resource)
        claims["iat"] = .integer(start)
        claims["nbf"] = .integer(start)
        claims["exp"] = .integer(expiry)
        claims["uti"] = .string(randomHex(bytes: 11))
        let value = try world.token(of: .azure, from: role, claims: claims)
        let token = Token(value: value, notBefore: start, expiry: expiry)
        tokens.withLock { $0[resource] = token }
        return token
    }
}

extension World {
    /// Whether a token is for this audience. Entra knows no resource of the names that others have, so that its
    /// tokens are for an App ID URI.
    func names(_ audience: String, in claims: TokenClaims) -> Bool {
        let isOurs = claims.issuer == issuer(named: TokenPlatform.azure.rawValue)?.url
        return claims.audiences.contains(isOurs ? Self.azureResource : audience)
    }
}
