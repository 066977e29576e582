import Crypto
import Federation
import FoundationEssentials
import Kernel
import Policy
import Serving
import Text

extension Part {
    static let mondoo = Part(
        of: .mondoo,
        accountFile: { world, issuer in
            [
                "universeDomain": .string(world.url(of: .mondoo)),
                "audience": .string(world.options.scope),
                // AWS's usual proof is no token of this issuer, but a request that it has STS answer.
                "issuerUri": .string(
                    issuer.name == TokenPlatform.aws.rawValue ? Mondoo.amazonIssuer : issuer.url
                ),
                "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
                "scopes": ["//iam.api.mondoo.app/roles/agent"],
            ]
        },
        player: { (world) throws(CryptoError) in try Mondoo(world: world) }
    )
}

/// Mondoo's token exchange, and the call with which a service account tests itself.
struct Mondoo: Role {
    private struct Exchange {
        let issuer: String
        let audience: String
        let token: String
    }

    let world: World
    private let bindings: MondooBindings
    private let accounts: MondooAccounts

    init(world: World) throws(CryptoError) {
        self.world = world
        bindings = try MondooBindings(world: world)
        accounts = try MondooAccounts(world: world)
    }

    var environment: [Variable] { [Variable("MONDOO_API_TOKEN", world.mondooToken)] }

    func prepare() { world.note("api-token", from: "mondoo", world.mondooToken) }

    func owns(_ request: HTTPServerRequest) -> Bool {
        ["/SecureTokenService/", "/AgentManager/"].contains(where: request.path.hasPrefix)
            || request.path == MondooGraphQL.path
    }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        let reply = MondooEncoding(replyTo: request)
        do {
            guard request.method == "POST" else {
                throw MondooError(.notFound, "only POST is served here")
            }
            switch request.path {
            case "/SecureTokenService/ExchangeExternalToken":
                let exchange = try exchange(in: request)
                let binding = try judge(exchange)
                bindings.use(binding.mrn)
                let credential = try accounts.credential(for: binding)
                return reply.response([HTTPField("base64_credential", credential)])
            case MondooGraphQL.path:
                return try MondooGraphQL(bindings: bindings, accounts: accounts, world: world)
                    .answer(request)
            case "/AgentManager/PingPong":
                try accounts.authenticate(request)
                return reply.response([HTTPField]())
            default: throw MondooError(.notFound, "there is no such method")
            }
        } catch let error as MondooError {
            return reply.response(error)
        } catch {
            return reply.response(MondooError(.internalError, "\(error)"))
        }
    }

    private func exchange(in request: HTTPServerRequest) throws(MondooError) -> Exchange {
        let fields: (Int, String, String) -> String
        switch try MondooEncoding(of: request) {
        case .protobuf:
            guard let strings = protobufStrings(request.body) else {
                throw MondooError(.unknown, "proto: the message cannot be parsed")
            }
            fields = { number, _, _ in strings[number] ?? "" }
        case .json:
            let object = try json(request.body)
            fields = { _, name, camel in (object[name] ?? object[camel])?.string ?? "" }
        }
        let exchange = Exchange(
            issuer: fields(1, "issuer_uri", "issuerUri"),
            audience: fields(2, "audience", "audience"),
            token: fields(3, "jwt_token", "jwtToken")
        )
        guard !exchange.issuer.isEmpty, !exchange.audience.isEmpty, !exchange.token.isEmpty else {
            throw MondooError(
                .invalidArgument,
                "issuer_uri, audience and jwt_token must not be empty"
            )
        }
        return exchange
    }

    private func json(_ body: [UInt8]) throws(MondooError) -> JSON {
        do throws(JSONError) {
            let value = try JSON(parsing: body)
            if value.object != nil { return value }
        } catch {
            // A plain Go error comes out as code 2, a broken request's too.
            throw MondooError(.unknown, "proto: syntax error: \(error.reason)")
        }
        throw MondooError(.unknown, "proto: syntax error: no object")
    }

    /// The first identity provider that takes the exchange's proof.
    private func judge(_ exchange: Exchange) throws(MondooError) -> MondooBindings.Binding {
        let candidates = bindings.candidates(issuer: exchange.issuer, scope: exchange.audience)
        guard !candidates.isEmpty else {
            throw MondooError(.notFound, "no identity provider has this issuer and audience")
        }
        let claims =
            exchange.issuer == Self.amazonIssuer
            ? try caller(provenBy: exchange.token).claims : try verify(exchange).all
        var objection: MondooError?
        for binding in candidates {
            guard let found = self.objection(of: binding.trust, to: claims) else { return binding }
            objection = found
        }
        throw objection ?? MondooError(.permissionDenied, "nobody trusts this token")
    }

    /// Why a trust does not take the claims; `nil` if it does.
    private func objection(of trust: Trust, to claims: JSON) -> MondooError? {
        guard let clause = trust.objection(to: claims, in: world) else { return nil }
        let message =
            switch clause.name {
            case "subject" where trust.isCallerIdentity: "the ARN is not the one trusted"
            case "subject": "the token's subject is not the one trusted"
            case "audience": "the token's audience is not allowed"
            case "issuer", "expiry", "start": "the token's \(clause.name): \(clause.detail)"
            default: "the claim mapping \(clause.name) does not match"
            }
        return MondooError(.permissionDenied, message)
    }

    private func verify(_ exchange: Exchange) throws(MondooError) -> TokenClaims {
        guard let claims = TokenClaims(decoding: Secret(exchange.token)) else {
            throw MondooError(.invalidArgument, "jwt_token is not a signed token")
        }
        // Of Azure's issuers the page has the one without the slash.
        let isNamed: (String) -> Bool = { url in
            url == exchange.issuer
                || MondooService.isDocumentedPair(trusted: exchange.issuer, token: url)
        }
        guard let issuer = world.issuers.first(where: { isNamed($0.url) }) else {
            throw MondooError(.unauthenticated, "the issuer's keys cannot be had")
        }
        guard issuer.hasSigned(exchange.token) else {
            throw MondooError(.unauthenticated, "the token's signature is not the issuer's")
        }
        guard let name = claims.issuer, isNamed(name) else {
            throw MondooError(.unauthenticated, "the token's issuer is not issuer_uri")
        }
        try checkTimes(of: claims)
        return claims
    }

    private func checkTimes(of claims: TokenClaims) throws(MondooError) {
        let now = world.clock.now.secondsSinceEpoch
        guard let expiry = claims.expiresAt else {
            throw MondooError(.unauthenticated, "token has no exp")
        }
        guard expiry > now else { throw MondooError(.unauthenticated, "token is expired") }
        guard expiry - now > 180 else {
            throw MondooError(.unauthenticated, "token expires in less than 3 minutes")
        }
        let notBefore = claims.all["nbf"]?.lenientNumber ?? 0
        guard notBefore <= now + 60, (claims.issuedAt ?? 0) <= now + 60 else {
            throw MondooError(.unauthenticated, "token is not valid yet")
        }
    }
}
