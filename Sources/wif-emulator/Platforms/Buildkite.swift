import Crypto
import Federation
import Serving
import Text

extension PlayedPlatform {
    static let buildkite = PlayedPlatform(
        issuerURL: "https://agent.buildkite.com",
        tokenLifetime: 300,
        claims: [
            "sub": "organization:acme:pipeline:app:ref:refs/heads/main:commit:4d3c:step:scan",
            "organization_slug": "acme", "pipeline_slug": "app",
        ],
        parts: [
            .service(
                JobTokenService.Rules(
                    platform: .buildkite,
                    path: "/v3/jobs/",
                    method: "POST",
                    environment: { url, secret in
                        [
                            Variable("BUILDKITE", "true"), Variable("BUILDKITE_JOB_ID", job),
                            Variable("BUILDKITE_AGENT_ENDPOINT", url + "/v3"),
                            Variable("BUILDKITE_AGENT_ACCESS_TOKEN", secret),
                        ]
                    },
                    proof: { $0.authorization("token") },
                    answer: { (request, world) throws(CryptoError) in
                        guard request.path == "/v3/jobs/\(job)/oidc/tokens" else {
                            return .message(404, "there is no such job")
                        }
                        guard let body = request.json else {
                            return .message(400, "the body is not JSON")
                        }
                        let audience = body["audience"]?.string ?? "https://buildkite.com/acme"
                        let lifetime = Int64(body["lifetime"]?.lenientNumber ?? 0)
                        let token = try world.jobToken(
                            of: .buildkite,
                            audience: .string(audience),
                            lifetime: lifetime > 0 ? lifetime : nil
                        )
                        return .json(["token": .string(token)])
                    }
                )
            )
        ]
    )

    private static let job = "0190-job"
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
