import Federation
import Serving
import Text

extension Part {
    static let issuers = Part(name: .issuers) { Issuers(world: $0) }
}

extension RoleName {
    static let issuers = RoleName("issuers")
}

/// What issuers publish: below `/issuers/NAME/`, and under their real names where a request's Host
/// says so. OpenID Connect Discovery 1.0
struct Issuers: Role {
    let world: World

    func owns(_ request: HTTPServerRequest) -> Bool {
        document(request) != nil
    }

    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        document(request).map(published) ?? HTTPServerResponse(status: 404)
    }

    private func document(_ request: HTTPServerRequest) -> JSON? {
        for issuer in world.issuers {
            let base = "/issuers/\(issuer.name)"
            let own = (request.header("host") ?? "") + request.path
            if request.path == "\(base)/keys" { return issuer.keySet }
            let discovery = "/.well-known/openid-configuration"
            if request.path == base + discovery || own == address(of: issuer) + discovery {
                let keys = "\(world.url(of: .issuers))\(base)/keys"
                return issuer.configuration(keysURL: keys)
            }
        }
        return nil
    }

    /// The issuer without scheme and trailing `/`.
    private func address(of issuer: Issuer) -> String {
        let parts = issuer.url.split(separator: "/", omittingEmptySubsequences: true).dropFirst()
        return parts.joined(separator: "/")
    }

    private func published(_ value: JSON) -> HTTPServerResponse {
        .json(value, headers: [HTTPField("Cache-Control", "public, max-age=300")])
    }
}
