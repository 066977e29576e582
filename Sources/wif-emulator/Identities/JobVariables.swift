import Crypto
import Federation
import Serving

/// A CI system whose jobs are given their token in a variable at their start: GitLab, CircleCI,
/// Bitbucket, HCP Terraform, Vercel and Spacelift. It has no endpoint.
struct JobVariables: Role {
    let environment: [Variable]

    init(_ platform: IdentityPlatform, world: World) throws(CryptoError) {
        let token = try world.jobToken(of: platform, audience: .string(world.options.scope))
        let names: (mark: Variable?, tokens: [String]) =
            switch platform {
            case .gitlab: (Variable("GITLAB_CI", "true"), ["GITLAB_OIDC_TOKEN"])
            case .circleci:
                (Variable("CIRCLECI", "true"), ["CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN"])
            case .bitbucket:
                (Variable("BITBUCKET_BUILD_NUMBER", "7"), ["BITBUCKET_STEP_OIDC_TOKEN"])
            case .terraform: (Variable("TFC_RUN_ID", "run-1"), ["TFC_WORKLOAD_IDENTITY_TOKEN"])
            case .vercel: (Variable("VERCEL", "1"), ["VERCEL_OIDC_TOKEN"])
            case .spacelift: (nil, ["SPACELIFT_OIDC_TOKEN"])
            default: (nil, [])
            }
        environment =
            [names.mark].compactMap(\.self) + names.tokens.map { Variable($0, token) }
    }

    func owns(_ request: HTTPServerRequest) -> Bool { false }

    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        HTTPServerResponse(status: 404)
    }
}

extension World {
    /// A job's token; the audience is the platform's own where that is fixed.
    func jobToken(
        of platform: IdentityPlatform,
        audience: JSON,
        lifetime: Int64? = nil
    ) throws(CryptoError) -> String {
        var claims = claims(of: platform)
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
