import Crypto
import Federation
import FoundationEssentials
import Kernel
import Serving
import Text

/// Entra's token endpoint for workload identity on AKS. The pod's token, which the issuer `custom`
/// signs, is in `DIR/azure-identity-token`.
struct AzureEntra: Role {
    private static let subject = "system:serviceaccount:acme:scan"
    private static let audience = "api://AzureADTokenExchange"
    private static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    let world: World

    private var tenant: String { world.claims(of: .azure)["tid"]?.string ?? "" }
    private var client: String { world.claims(of: .azure)["appid"]?.string ?? "" }
    private var file: URL? {
        world.options.directory.map { URL(filePath: $0).appending(path: "azure-identity-token") }
    }

    var environment: [Variable] {
        guard let file else { return [] }
        return [
            Variable("AZURE_AUTHORITY_HOST", world.url(of: .azureEntra) + "/"),
            Variable("AZURE_TENANT_ID", tenant), Variable("AZURE_CLIENT_ID", client),
            Variable("AZURE_FEDERATED_TOKEN_FILE", file.path),
        ]
    }

    func prepare() throws {
        guard let file else { return }
        let now = world.clock.seconds
        let token = try world.issuer(named: "custom")?.token(claims: [
            "sub": .string(Self.subject), "aud": [.string(Self.audience)], "iat": .integer(now),
            "exp": .integer(now + 86_400),
        ])
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        world.note("subject-token", from: "azure-entra", token ?? "")
        try Data((token ?? "").utf8).write(to: file, options: .atomic)
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path.hasSuffix("/oauth2/v2.0/token") && !request.path.hasPrefix("/\(Part.tenant)/")
    }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        let text = String(decoding: request.body, as: UTF8.self)
        guard request.method == "POST", let form = formFields(text) else {
            return failure(900_144, "the body must be a form")
        }
        guard request.path == "/\(tenant)/oauth2/v2.0/token" else {
            return failure(90_002, "Tenant not found")
        }
        guard form["grant_type"] == "client_credentials",
            form["client_assertion_type"] == Self.assertionType
        else { return failure(70_003, "the grant is not supported") }
        guard form["client_id"] == client else {
            return failure(700_016, "Application not found in the directory")
        }
        if let failure = refusal(of: form["client_assertion"] ?? "") { return failure }
        return try token(for: form["scope"] ?? "")
    }

    private func refusal(of assertion: String) -> HTTPServerResponse? {
        guard let issuer = world.issuer(named: "custom"), issuer.hasSigned(assertion),
            let claims = TokenClaims(decoding: Secret(assertion))
        else { return failure(700_211, "No matching federated identity record for the issuer") }
        guard claims.audiences.contains(Self.audience) else {
            return failure(700_212, "No matching federated identity record for the audience")
        }
        guard claims.subject == Self.subject else {
            return failure(700_213, "No matching federated identity record for the subject")
        }
        guard (claims.expiresAt ?? 0) > Double(world.clock.seconds) else {
            return failure(700_024, "Client assertion is not within its valid time range")
        }
        return nil
    }

    private func token(for scope: String) throws(CryptoError) -> HTTPServerResponse {
        let suffix = "/.default"
        let resource = String(scope.hasSuffix(suffix) ? scope.dropLast(suffix.count) : "")
        guard world.options.isAzureResource(resource) else {
            return failure(500_011, "The resource principal named \(resource) was not found")
        }
        var claims = world.claims(of: .azure)
        let now = world.clock.seconds
        let lifetime = world.tokenLifetime(of: .azure)
        claims["aud"] = claims["aud"] ?? .string(resource)
        claims["iat"] = .integer(now - 300)
        claims["nbf"] = .integer(now - 300)
        claims["exp"] = .integer(now + lifetime)
        let token = try world.token(of: .azure, from: .azureEntra, claims: claims)
        return .json([
            "token_type": "Bearer", "expires_in": .integer(lifetime),
            "ext_expires_in": .integer(lifetime), "access_token": .string(token),
        ])
    }

    private func failure(_ code: Int64, _ text: String) -> HTTPServerResponse {
        .json(
            [
                "error": "invalid_client", "error_codes": [.integer(code)],
                "error_description": .string("AADSTS\(code): \(text)."),
                "correlation_id": .string(randomHex(bytes: 16)),
            ],
            status: 401
        )
    }
}
