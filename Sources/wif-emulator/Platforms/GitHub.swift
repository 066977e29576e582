import Crypto
import Federation
import Serving
import Text

extension PlayedPlatform {
    static let github = PlayedPlatform(
        issuerURL: "https://token.actions.githubusercontent.com",
        tokenLifetime: 300,
        claims: [
            "sub": "repo:acme/app:ref:refs/heads/main", "repository": "acme/app",
            "repository_id": "123456789", "repository_owner": "acme",
            "repository_owner_id": "987654",
            "repository_visibility": "private", "ref": "refs/heads/main", "ref_type": "branch",
            "ref_protected": "true", "sha": "4d3c2b1a09f8e7d6c5b4a3928170f6e5d4c3b2a1",
            "workflow": "scan",
            "workflow_ref": "acme/app/.github/workflows/scan.yml@refs/heads/main",
            "workflow_sha": "4d3c2b1a09f8e7d6c5b4a3928170f6e5d4c3b2a1",
            "job_workflow_ref": "acme/app/.github/workflows/scan.yml@refs/heads/main",
            "run_id": "10203040506", "run_number": "7", "run_attempt": "1", "actor": "octo",
            "actor_id": "4242", "event_name": "push", "base_ref": "", "head_ref": "",
            "runner_environment": "github-hosted",
        ],
        amended: { claims, options in
            guard options.gitHubSubject == .immutable else { return claims }
            return claims.merging(["sub": immutableSubject(claims)]) { $1 }
        },
        isUsual: true,
        parts: [
            Part(of: .github) { (world) throws(CryptoError) in
                GitHubActions(world: world, requestToken: try world.gitHubRequestToken())
            }
        ]
    )
}

/// The subject with the ids of owner and repository: `repo:OWNER@ID/NAME@ID:…`. One that is no
/// repository's stays as it is.
private func immutableSubject(_ claims: [String: JSON]) -> JSON {
    let subject = claims["sub"]?.string ?? ""
    let repository = claims["repository"]?.string ?? ""
    let names = repository.split(separator: "/")
    let prefix = "repo:" + repository
    guard names.count == 2, subject.hasPrefix(prefix),
        let owner = claims["repository_owner_id"]?.string, let id = claims["repository_id"]?.string
    else { return .string(subject) }
    return .string("repo:\(names[0])@\(owner)/\(names[1])@\(id)" + subject.dropFirst(prefix.count))
}

/// The token service of a GitHub Actions job.
struct GitHubActions: Role {
    private static let path = "/actions/idtoken"

    let world: World
    let requestToken: String

    var environment: [Variable] {
        let url = "\(world.url(of: .github))\(GitHubActions.path)?api-version=2.0"
        return [
            Variable("ACTIONS_ID_TOKEN_REQUEST_URL", url),
            Variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", requestToken),
        ]
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path == GitHubActions.path
    }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.method == "GET" else { return .message(405, "only GET is allowed") }
        guard request.authorization("bearer") == requestToken else {
            return .message(401, "the request token is missing or wrong")
        }
        guard request.query["api-version"] == "2.0" else {
            return .message(400, "the parameter api-version is missing or not supported")
        }
        let audiences = request.query.filter { $0.name == "audience" }
        guard audiences.count <= 1, audiences.first?.value != "" else {
            return .message(400, "one audience can be asked for, and it must not be empty")
        }
        let token = try token(audience: audiences.first?.value)
        return .json(["count": .integer(Int64(token.utf8.count)), "value": .string(token)])
    }

    private func token(audience: String?) throws(CryptoError) -> String {
        var claims = world.claims(of: .github)
        let owner = claims["repository_owner"]?.string ?? ""
        let now = world.clock.seconds
        claims["aud"] = claims["aud"] ?? .string(audience ?? "https://github.com/\(owner)")
        claims["jti"] = .string(randomHex(bytes: 16))
        claims["iat"] = .integer(now)
        claims["nbf"] = .integer(now - 600)
        claims["exp"] = .integer(now + world.tokenLifetime(of: .github))
        return try world.token(of: .github, claims: claims)
    }
}

extension World {
    /// The token with which a job asks for others, noted as handed out.
    fileprivate func gitHubRequestToken() throws(CryptoError) -> String {
        let now = clock.seconds
        let token =
            try issuer(named: "github")?.token(claims: [
                "scp": "Actions.GenericRead:00000000 Actions.GenerateIdToken",
                "nbf": .integer(now - 600), "exp": .integer(now + 22_200),
                "jti": .string(randomHex(bytes: 8)),
            ]) ?? ""
        note("request-token", from: "github", token)
        return token
    }
}
