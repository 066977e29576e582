import Crypto
import Federation
import FoundationEssentials
import Serving

/// ConductorOne's token exchange, forms only.
struct ConductorOne: Role {
    let world: World
    private let trusts: [ServiceTrust]
    private let tokens: AccessTokens
    /// Signs the access tokens.
    private let signer: Issuer

    /// Seconds since a subject token's issue within which it is taken.
    private static let maximalAge = 600.0
    private static let lifetime: Int64 = 1800

    init(world: World) throws(CryptoError) {
        self.world = world
        trusts = world.trusts(of: .conductorone)
        tokens = AccessTokens(world: world, role: .conductorone)
        let tenant = "https://\(world.conductorOneTenant)"
        signer = try Issuer(name: "conductorone", url: tenant, kind: .ed25519)
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path.hasPrefix("/auth/v1/")
    }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        do throws(OAuthRefusal) {
            switch request.path {
            case "/auth/v1/token": return try exchange(request)
            case "/auth/v1/introspect": return introspect(request)
            default: return HTTPServerResponse(status: 404)
            }
        } catch {
            return error.response
        }
    }

    private func exchange(_ request: HTTPServerRequest) throws(OAuthRefusal) -> HTTPServerResponse {
        let parameters = try OAuthParameters(of: request, takesJSON: false)
        let token = try parameters.subjectToken(ofTypes: ["jwt"])
        let clientID = try parameters.required("client_id")
        let candidates = trusts.filter { $0.target == clientID }
        guard !candidates.isEmpty else {
            throw OAuthRefusal(
                "invalid_client",
                "no federation trust has this client_id",
                status: 401
            )
        }
        let claims = try world.verified(token)
        guard let issuedAt = claims.issuedAt,
            world.clock.now.timeIntervalSince1970 - issuedAt <= Self.maximalAge
        else {
            throw OAuthRefusal("invalid_grant", "iat is not within the last 10 minutes")
        }
        guard claims.audiences.contains(world.conductorOneTenant) else {
            throw OAuthRefusal("invalid_grant", "the audience lacks the tenant domain")
        }
        for trust in candidates {
            guard let objection = trust.objection(to: claims) else { return try grant(trust) }
            if trust == candidates.last { throw OAuthRefusal("invalid_grant", objection) }
        }
        throw OAuthRefusal("invalid_grant", "no trust accepts this token")
    }

    private func grant(_ trust: ServiceTrust) throws(OAuthRefusal) -> HTTPServerResponse {
        let lifetime = min(Self.lifetime, world.options.credentialLifetime)
        let now = world.clock.seconds
        do throws(CryptoError) {
            let token = try signer.token(claims: [
                "sub": .string(trust.target), "jti": .string(randomHex(bytes: 16)),
                "iat": .integer(now), "exp": .integer(now + lifetime),
            ])
            tokens.add(token, for: trust.target, lifetime: lifetime)
            return .token(token, lifetime: .integer(lifetime))
        } catch {
            throw OAuthRefusal("server_error", "\(error)", status: 500)
        }
    }

    /// Whether a bearer token lives: the emulator's own, in place of the whole API.
    private func introspect(_ request: HTTPServerRequest) -> HTTPServerResponse {
        guard let token = request.authorization("bearer"), let scope = tokens.scope(of: token)
        else { return HTTPServerResponse(status: 401) }
        return .json(["active": true, "client_id": .string(scope)])
    }
}
