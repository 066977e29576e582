import Federation
import FoundationEssentials
import Kernel
import Serving
import Text

extension Part {
    static let google = Part(
        of: .google,
        accountFile: { world, issuer in
            [
                "universe_domain": "googleapis.com",
                "audience": .string(GoogleSTS.audience(of: issuer)),
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": .string(world.url(of: .google) + "/v1/token"),
                "service_account_impersonation_url": .string(
                    world.url(of: .google) + GoogleSTS.impersonationPath
                ),
                "service_account_impersonation": ["token_lifetime_seconds": 1200],
            ]
        },
        player: { GoogleSTS(world: $0) }
    )
}

/// Google's Security Token Service with one pool, and the impersonation of one service account.
struct GoogleSTS: OAuthRole {
    let world: World
    private let federated: AccessTokens
    private let impersonated: AccessTokens

    init(world: World) {
        self.world = world
        federated = AccessTokens(world: world, role: .google)
        impersonated = AccessTokens(world: world, role: .google)
    }

    static let serviceAccount = "scanner@acme-prod.iam.gserviceaccount.com"
    private static let accounts = "/v1/projects/-/serviceAccounts/"
    private static let pool =
        "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme"

    /// The full resource name of an issuer's provider.
    static func audience(of issuer: Issuer) -> String { "\(pool)/providers/\(issuer.name)" }

    /// Where the service account is impersonated, below the service's address.
    static var impersonationPath: String { "\(accounts)\(serviceAccount):generateAccessToken" }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path == "/v1/token" || request.path.hasPrefix(Self.accounts)
            || request.path == "/v1/tokeninfo"
    }

    func reply(to request: HTTPServerRequest) throws(OAuthRefusal) -> HTTPServerResponse {
        switch request.path {
        case "/v1/token": return try exchange(request)
        case "/v1/tokeninfo": return information(request)
        default: return try impersonate(request)
        }
    }

    private func exchange(_ request: HTTPServerRequest) throws(OAuthRefusal) -> HTTPServerResponse {
        let parameters = try OAuthParameters(of: request, takesJSON: true)
        let isAmazons = try parameters.required("subject_token_type") == Self.amazonType
        let token =
            isAmazons
            ? try parameters.exchanged()
            : try parameters.subjectToken(ofTypes: ["jwt", "id_token"])
        let audience = try parameters.required("audience")
        guard audience.hasPrefix("//iam.googleapis.com/") else {
            throw OAuthRefusal(
                "invalid_request",
                "Invalid value for \"audience\". This value should be the full resource name of the"
                    + " Identity Provider."
            )
        }
        guard let issuer = world.issuers.first(where: { Self.audience(of: $0) == audience }) else {
            throw OAuthRefusal(
                "invalid_target",
                "The target service indicated by the \"audience\" parameters is invalid."
            )
        }
        _ = try parameters.required("scope")
        guard
            try parameters.required("requested_token_type")
                == "urn:ietf:params:oauth:token-type:access_token"
        else { throw OAuthRefusal("invalid_request", "only access tokens are issued") }
        if isAmazons {
            try checkAmazon(token, issuer, audience)
        } else {
            try check(try world.verified(token), issuer, audience)
        }
        let lifetime = min(world.options.credentialLifetime, 3600)
        let issued = "ya29.\(randomHex(bytes: 30))"
        federated.add(issued, for: audience, lifetime: lifetime)
        return .token(issued, lifetime: .integer(lifetime))
    }

    private static let amazonType = "urn:ietf:params:aws:token-type:aws4_request"

    /// https://cloud.google.com/iam/docs/access-resources-aws: the request is bound to the provider.
    private func checkAmazon(
        _ token: String,
        _ issuer: Issuer,
        _ audience: String
    ) throws(OAuthRefusal) {
        guard issuer.name == TokenPlatform.aws.rawValue else {
            throw OAuthRefusal("invalid_grant", "The provider is not one of AWS.")
        }
        do throws(ProofError) {
            let request = try AWSRequest(provenBy: percentDecoded(token))
            guard request.host != "sts.amazonaws.com",
                request.headers["x-goog-cloud-target-resource"].map({
                    [audience, "https:\(audience)"].contains($0)
                }) == true
            else { throw ProofError(reason: "x-goog-cloud-target-resource is not the audience") }
            do throws(STSError) {
                _ = try world.sts.callerIdentity(request, in: world)
            } catch {
                throw ProofError(reason: "AWS: \(error.code): \(error.message)")
            }
        } catch {
            throw OAuthRefusal("invalid_grant", error.reason)
        }
    }

    private func check(
        _ claims: TokenClaims,
        _ issuer: Issuer,
        _ audience: String
    ) throws(OAuthRefusal) {
        guard claims.issuer == issuer.url else {
            throw OAuthRefusal(
                "invalid_grant",
                "The issuer in ID Token does not match the provider."
            )
        }
        // A provider's own allowed audiences replace the usual ones; Azure's has one.
        let allowed =
            issuer.name == TokenPlatform.azure.rawValue
            ? [World.azureResource] : [audience, "https:\(audience)"]
        guard allowed.contains(where: claims.audiences.contains) else {
            throw OAuthRefusal(
                "invalid_grant",
                "The audience in ID Token does not match the expected audience."
            )
        }
        guard let start = claims.issuedAt, let end = claims.expiresAt, end - start <= 86_400 else {
            throw OAuthRefusal("invalid_grant", "The token's lifetime is over 24 hours.")
        }
    }

    private func impersonate(
        _ request: HTTPServerRequest
    ) throws(OAuthRefusal) -> HTTPServerResponse {
        guard let token = request.authorization("bearer"), federated.scope(of: token) != nil else {
            return Self.failure(401, "UNAUTHENTICATED", "the request has no valid credentials")
        }
        guard request.method == "POST", request.path == Self.impersonationPath else {
            let reason = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource"
            return Self.failure(403, "PERMISSION_DENIED", reason)
        }
        let body: JSON
        do throws(JSONError) {
            body = try JSON(parsing: request.body)
        } catch {
            return Self.failure(400, "INVALID_ARGUMENT", "the body is not JSON")
        }
        let lifetime = body["lifetime"]?.string ?? "3600s"
        guard lifetime.hasSuffix("s"), let seconds = Int64(lifetime.dropLast()),
            (1...43_200).contains(seconds), body["scope"]?.array?.isEmpty == false
        else { return Self.failure(400, "INVALID_ARGUMENT", "lifetime or scope is wrong") }
        let issued = "ya29.c.\(randomHex(bytes: 30))"
        impersonated.add(issued, for: Self.serviceAccount, lifetime: seconds)
        let expiry = world.clock.now.advanced(bySeconds: Double(seconds))
        return .json([
            "accessToken": .string(issued), "expireTime": .string(rfc3339(expiry)),
        ])
    }

    /// Whose a token is.
    private func information(_ request: HTTPServerRequest) -> HTTPServerResponse {
        let token = request.authorization("bearer") ?? ""
        guard let owner = impersonated.scope(of: token) ?? federated.scope(of: token) else {
            return Self.failure(401, "UNAUTHENTICATED", "no such token")
        }
        return .json(["email": .string(owner)])
    }

    private static func failure(_ status: Int, _ code: String, _ text: String)
        -> HTTPServerResponse
    {
        let error: JSON = [
            "code": .integer(Int64(status)), "message": .string(text), "status": .string(code),
        ]
        return .json(["error": error], status: status)
    }
}
