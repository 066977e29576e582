import Crypto
import Federation
import Serving
internal import Text

extension PlayedPlatform {
    static let buildkite = PlayedPlatform(
        issuerURL: "https://agent.buildkite.com",
        tokenLifetime: 300,
        claims: [
            "sub": "organization:acme:pipeline:app:ref:refs/heads/main:commit:4d3c:step:scan",
            "organization_slug": "acme", "pipeline_slug": "app",
        ],
        parts: [Part(name: .buildkite) { Buildkite(world: $0) }]
    )
}

extension RoleName {
    static let buildkite = RoleName(.buildkite)
}

/// Buildkite's agent API, as far as a job asks it for tokens.
struct Buildkite: Role {
    private static let job = "0190-job"

    let world: World
    private let accessToken = randomHex(bytes: 24)

    init(world: World) {
        self.world = world
        world.note("request-token", from: "buildkite", accessToken)
    }

    var environment: [Variable] {
        [
            Variable("BUILDKITE", "true"), Variable("BUILDKITE_JOB_ID", Self.job),
            Variable("BUILDKITE_AGENT_ENDPOINT", (world.urls[.buildkite] ?? "") + "/v3"),
            Variable("BUILDKITE_AGENT_ACCESS_TOKEN", accessToken),
        ]
    }

    func owns(_ request: HTTPServerRequest) -> Bool { request.path.hasPrefix("/v3/jobs/") }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.path == "/v3/jobs/\(Self.job)/oidc/tokens", request.method == "POST" else {
            return failure(404, "there is no such job")
        }
        guard request.authorization("token") == accessToken else {
            return failure(401, "the agent's token is missing or wrong")
        }
        guard let body = request.json else { return failure(400, "the body is no JSON") }
        let lifetime = Int64(body["lifetime"]?.lenientNumber ?? 0)
        let token = try world.jobToken(
            of: .buildkite,
            audience: .string(body["audience"]?.string ?? "https://buildkite.com/acme"),
            lifetime: lifetime > 0 ? lifetime : nil
        )
        return .json(["token": .string(token)])
    }

    private func failure(_ status: Int, _ text: String) -> HTTPServerResponse {
        .json(["message": .string(text)], status: status)
    }
}

extension HTTPServerRequest {
    /// The body's JSON object; `nil` for anything else.
    var json: JSON? {
        do throws(JSONError) {
            let value = try JSON(parsing: body)
            return value.object == nil ? nil : value
        } catch {
            return nil
        }
    }
}
