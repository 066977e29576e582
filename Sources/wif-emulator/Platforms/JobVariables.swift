import Crypto
import Federation
import Serving
import Text

/// A CI system whose jobs are given their token in a variable at their start. It has no endpoint.
struct JobVariables: Role {
    let environment: [Variable]

    func owns(_ request: HTTPServerRequest) -> Bool { false }

    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        HTTPServerResponse(status: 404)
    }
}

extension Part {
    /// The part of a platform that is variables alone: what marks a job, and those that hold its token.
    ///
    /// - Parameter lacking: by variable, the claims that its token does not have.
    static func variables(
        of platform: TokenPlatform,
        mark: Variable? = nil,
        tokens: [String],
        lacking: [String: [String]] = [:]
    ) -> Part {
        Part(name: RoleName(platform)) { (world) throws(CryptoError) in
            let scope = JSON.string(world.options.scope)
            var variables = [mark].compactMap(\.self)
            for name in tokens {
                let token = try world.jobToken(
                    of: platform,
                    audience: scope,
                    lacking: lacking[name] ?? []
                )
                variables.append(Variable(name, token))
            }
            return JobVariables(environment: variables)
        }
    }
}

extension World {
    /// A job's token; the audience is the platform's own where that is fixed.
    func jobToken(
        of platform: TokenPlatform,
        audience: JSON,
        lifetime: Int64? = nil,
        lacking: [String] = []
    ) throws(CryptoError) -> String {
        var claims = claims(of: platform).filter { !lacking.contains($0.key) }
        let now = clock.seconds
        claims["aud"] = claims["aud"] ?? audience
        claims["iat"] = .integer(now)
        claims["nbf"] = .integer(now - 5)
        claims["exp"] = .integer(now + (lifetime ?? tokenLifetime(of: platform)))
        claims["jti"] = .string(randomHex(bytes: 16))
        guard let issuer = issuer(named: platform.rawValue) else {
            throw .failed(doing: "signing a token", reason: "no such issuer")
        }
        let token = try issuer.token(claims: claims)
        note("subject-token", from: platform.rawValue, token)
        return token
    }
}
