import Crypto
import Federation
import FoundationEssentials
import Policy
import Serving
import Text

extension Part {
    static let conductorone = Part(
        of: .conductorone,
        accountFile: { world, issuer in
            [
                "clientId": .string(world.conductorOneClient(for: issuer)),
                "tokenUrl": .string(world.url(of: .conductorone) + "/auth/v1/token"),
            ]
        },
        player: { (world) throws(CryptoError) in try ConductorOne(world: world) }
    )
}

/// ConductorOne's token exchange, forms only.
struct ConductorOne: OAuthRole {
    let world: World
    private let trusts: [(clientID: String, trust: Trust)]
    private let tokens: AccessTokens
    /// Signs the access tokens.
    private let signer: Issuer

    private static let lifetime: Int64 = 1800

    init(world: World) throws(CryptoError) {
        self.world = world
        trusts = try world.trusts(of: .conductorone).compactMap { trust in
            guard case .conductorone(let terms) = trust.terms else { return nil }
            return (terms.clientID, trust)
        }
        tokens = AccessTokens(world: world, role: .conductorone)
        signer = try Issuer(
            name: "conductorone",
            url: "https://acme.conductor.one",
            kind: .ed25519
        )
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path.hasPrefix("/auth/v1/")
    }

    func reply(to request: HTTPServerRequest) throws(OAuthRefusal) -> HTTPServerResponse {
        switch request.path {
        case "/auth/v1/token": return try exchange(request)
        case "/auth/v1/introspect": return introspect(request)
        default: return HTTPServerResponse(status: 404)
        }
    }

    private func exchange(_ request: HTTPServerRequest) throws(OAuthRefusal) -> HTTPServerResponse {
        let parameters = try OAuthParameters(of: request, takesJSON: false)
        let token = try parameters.subjectToken(ofTypes: ["jwt"])
        let clientID = try parameters.required("client_id")
        let candidates = trusts.filter { $0.clientID == clientID }
        guard !candidates.isEmpty else {
            throw OAuthRefusal(
                "invalid_client",
                "no federation trust has this client_id",
                status: 401
            )
        }
        let claims = try world.verified(token)
        guard claims.issuedAt != nil else { throw OAuthRefusal("invalid_grant", "iat is missing") }
        var objection = "no trust accepts this token"
        for (_, trust) in candidates {
            guard let found = trust.objection(to: claims.all, in: world) else {
                return try grant(clientID)
            }
            objection = "\(found.name): \(found.detail)"
        }
        throw OAuthRefusal("invalid_grant", objection)
    }

    private func grant(_ clientID: String) throws(OAuthRefusal) -> HTTPServerResponse {
        let lifetime = min(Self.lifetime, world.options.credentialLifetime)
        let now = world.clock.seconds
        do throws(CryptoError) {
            let token = try signer.token(claims: [
                "sub": .string(clientID), "jti": .string(randomHex(bytes: 16)),
                "iat": .integer(now), "exp": .integer(now + lifetime),
            ])
            tokens.add(token, for: clientID, lifetime: lifetime)
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
