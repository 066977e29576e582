import Crypto
import Federation
import Serving
import Text

extension PlayedPlatform {
    static let gcp = PlayedPlatform(
        issuerURL: "https://accounts.google.com",
        claims: [
            "sub": "112233445566778899000", "azp": "112233445566778899000",
            "email": "workload@acme-prod.iam.gserviceaccount.com", "email_verified": true,
            "google": [
                "compute_engine": [
                    "project_id": "acme-prod", "project_number": 123_456_789_012,
                    "zone": "europe-west3-a", "instance_id": "1234567890123456789",
                    "instance_name": "vm-1", "instance_creation_timestamp": 1_700_000_000,
                    "instance_confidentiality": 0,
                ]
            ],
        ],
        isUsual: true,
        parts: [
            Part(
                of: .gcp,
                placement: .metadata,
                absence: [Variable("GCE_METADATA_HOST", "127.0.0.1:1")]
            ) { GCPMetadata(world: $0) }
        ]
    )
}

/// The metadata server of Google Compute Engine: identity tokens, and the listings clients probe.
struct GCPMetadata: Role {
    let world: World

    var environment: [Variable] {
        let url = world.url(of: .gcp)
        return [Variable("GCE_METADATA_HOST", String(url.dropFirst("http://".count)))]
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path == "/" || request.path.hasPrefix("/computeMetadata/")
    }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        if request.path == "/" { return text("0.1/\ncomputeMetadata/\n") }
        guard request.method == "GET" || request.method == "HEAD" else {
            return failure(405, "this method is not allowed")
        }
        guard request.header("x-forwarded-for") == nil else {
            return failure(403, "forwarded requests are not answered")
        }
        guard request.header("metadata-flavor")?.lowercased() == "google" else {
            return failure(403, "the header Metadata-Flavor: Google is missing")
        }
        return try metadata(request)
    }

    private func metadata(
        _ request: HTTPServerRequest
    ) throws(CryptoError) -> HTTPServerResponse {
        let base = "/computeMetadata/v1/"
        let claims = world.claims(of: .gcp)
        let email = claims["email"]?.string ?? ""
        let path = request.path.dropFirst(base.count)
        let accounts = "instance/service-accounts/"
        switch (request.path.hasPrefix(base), path) {
        case (true, ""): return text("instance/\nproject/\n")
        case (true, "project/project-id"): return text("acme-prod")
        case (true, "instance/zone"): return text("projects/123456789012/zones/europe-west3-a")
        case (true, Substring(accounts)): return text("default/\n\(email)/\n")
        case (true, _) where path.hasPrefix(accounts):
            let parts = path.dropFirst(accounts.count)
                .split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == "default" || String(parts[0]) == email else {
                return failure(404, "there is no such service account")
            }
            return try account(String(parts[1]), request, claims)
        default: return failure(404, "there is nothing here")
        }
    }

    private func account(
        _ item: String,
        _ request: HTTPServerRequest,
        _ claims: [String: JSON]
    ) throws(CryptoError) -> HTTPServerResponse {
        switch item {
        case "": return text("aliases\nemail\nidentity\nscopes\ntoken\n")
        case "aliases": return text("default\n")
        case "email": return text(claims["email"]?.string ?? "")
        case "identity": return try identity(request, claims)
        default: return failure(404, "there is nothing here")
        }
    }

    private func identity(
        _ request: HTTPServerRequest,
        _ claims: [String: JSON]
    ) throws(CryptoError) -> HTTPServerResponse {
        guard let audience = request.query["audience"], !audience.isEmpty else {
            return failure(400, "a non-empty audience parameter is required")
        }
        var claims = claims
        switch request.query["format"]?.lowercased() ?? "standard" {
        case "full": break
        case "standard":
            for name in ["email", "email_verified", "google"] { claims[name] = nil }
        default: return failure(400, "the format is standard or full")
        }
        let now = world.clock.seconds
        claims["aud"] = claims["aud"] ?? .string(audience)
        claims["iat"] = .integer(now)
        claims["exp"] = .integer(now + world.tokenLifetime(of: .gcp))
        let token = try world.token(of: .gcp, claims: claims)
        return text(token, type: "text/html")
    }

    private func text(_ body: String, type: String = "application/text") -> HTTPServerResponse {
        flavoured(HTTPServerResponse(status: 200, text: body, type: type))
    }

    private func failure(_ status: Int, _ reason: String) -> HTTPServerResponse {
        let page =
            "<!DOCTYPE html>\n<html lang=en>\n<title>Error \(status)</title>\n<p>\(reason)</p>\n"
        return flavoured(
            HTTPServerResponse(status: status, text: page, type: "text/html; charset=UTF-8")
        )
    }

    private func flavoured(_ response: HTTPServerResponse) -> HTTPServerResponse {
        var response = response
        response.headers += [
            HTTPField("Metadata-Flavor", "Google"),
            HTTPField("Server", "Metadata Server for VM"),
            HTTPField("X-XSS-Protection", "0"), HTTPField("X-Frame-Options", "SAMEORIGIN"),
        ]
        return response
    }
}
