import Crypto
import Federation
import FoundationEssentials
import Policy
import Serving
import Text

extension Part {
    static let bright = Part(
        of: .bright,
        accountFile: { world, _ in
            [
                "service": "bright",
                "projectId": .string(World.brightProject),
                "audience": .string(World.brightAudience),
                "tokenUrl": .string(world.url(of: .bright)),
            ]
        },
        player: { (world) throws(CryptoError) in try Bright(world: world) }
    )
}

/// Bright's token exchange and revocation, and a project that asks for a token.
struct Bright: OAuthRole {
    let world: World
    private let credentials: [(project: String, trust: Trust)]
    private let tokens: AccessTokens

    init(world: World) throws(CryptoError) {
        self.world = world
        credentials = try world.trusts(of: .bright).compactMap { trust in
            guard case .bright(let terms) = trust.terms else { return nil }
            return (terms.projectID ?? World.brightProject, trust)
        }
        tokens = AccessTokens(world: world, role: .bright)
    }

    private static let projects = "/api/v1/projects/"

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path.hasPrefix("/api/v1/")
    }

    func reply(to request: HTTPServerRequest) throws(OAuthRefusal) -> HTTPServerResponse {
        switch request.path {
        case "/api/v1/token": return try exchange(request)
        case "/api/v1/revoke": return try tokens.revoke(request, takesJSON: true)
        case _ where request.path.hasPrefix(Self.projects): return project(request)
        default: return HTTPServerResponse(status: 404)
        }
    }

    private func exchange(_ request: HTTPServerRequest) throws(OAuthRefusal) -> HTTPServerResponse {
        let parameters = try OAuthParameters(of: request, takesJSON: true)
        let token = try parameters.subjectToken(ofTypes: ["id_token", "jwt"])
        let project = try parameters.optional("resource").map { (resource) throws(OAuthRefusal) in
            try self.project(named: resource)
        }
        let claims = try world.verified(token)
        let fitting = credentials.filter {
            (project == nil || $0.project == project)
                && $0.trust.objection(to: claims.all, in: world) == nil
        }
        let targets = Set(fitting.map(\.project))
        guard let target = targets.first else {
            throw OAuthRefusal("invalid_grant", "no matching WIF configuration was found")
        }
        guard targets.count == 1 else {
            throw OAuthRefusal(
                "invalid_request",
                "the token is ambiguous: it matches more than one project, name one as resource"
            )
        }
        let issued = randomHex(bytes: 24)
        tokens.add(issued, for: target, lifetime: world.options.credentialLifetime)
        // Its documentation promises no lifetime.
        return .token(issued, lifetime: nil)
    }

    /// The project of a resource. The host is whatever this is reached as.
    private func project(named resource: String) throws(OAuthRefusal) -> String {
        let base = world.url(of: .bright) + Self.projects
        let own = brightAddress + Self.projects
        for prefix in [base, own] where resource.hasPrefix(prefix) {
            let name = String(resource.dropFirst(prefix.count))
            if !name.isEmpty, !name.contains("/") { return name }
        }
        throw OAuthRefusal("invalid_target", "resource names no project of this service")
    }

    private var brightAddress: String { "https://app.brightsec.com" }

    /// A resource that wants a live token of its project.
    private func project(_ request: HTTPServerRequest) -> HTTPServerResponse {
        let name = request.path.dropFirst(Self.projects.count).prefix { $0 != "/" }
        guard let token = request.authorization("api-key") ?? request.authorization("bearer"),
            let scope = tokens.scope(of: token)
        else {
            return .json(["message": "Unauthorized", "statusCode": 401], status: 401)
        }
        guard scope == String(name) else {
            return .json(["message": "Forbidden", "statusCode": 403], status: 403)
        }
        return .json(["id": .string(scope), "name": .string(scope)])
    }
}
