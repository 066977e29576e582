import Federation
import HTTP
import Kernel
import Text

/// A Buildkite job's token: from the agent API where the job has the agent's token, else by the
/// `buildkite-agent` program.
struct Buildkite: TokenFetcher {
    private static let token = "BUILDKITE_AGENT_ACCESS_TOKEN"

    /// Seconds.
    let lifetime: Int

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let audience = try context.requiredAudience()
        guard let bearer = try context.bearer(Self.token, scheme: "Token") else {
            do throws(SourceError) {
                return try await context.token(printedBy: program(audience, context))
            } catch {
                throw context.variable("BUILDKITE") == nil ? error : Self.inContainer(error)
            }
        }
        let job = try context.platformVariable(
            "BUILDKITE_JOB_ID",
            hint: "in a Buildkite job, pass it on to wif-agent"
        )
        let endpoint = try context.override("BUILDKITE_AGENT_ENDPOINT", plainHTTP: .loopback)
        let base = endpoint?.url ?? "https://agent.buildkite.com/v3"
        return try await TokenService(
            request: HTTPRequest(
                posting: ["audience": .string(audience), "lifetime": .integer(Int64(lifetime))],
                to: "\(base)/jobs/\(percentEncoded(job))/oidc/tokens",
                headers: [bearer],
                trust: context.trust
            ),
            members: ["token"],
            hints: [401: "the agent's token ends with the job: take it from this job"]
        ).subjectToken(context)
    }

    /// In a job, with neither the agent's token nor its program: in a container that the job has started.
    private static func inContainer(_ error: SourceError) -> SourceError {
        var error = error.after("\(token) is not set")
        error.hint =
            "hand the agent's token on into the container: docker run -e \(token) -e BUILDKITE_JOB_ID, or in the docker"
            + " plugin mount-buildkite-agent: true (docker-compose plugin: the same key), which brings the token and"
            + " buildkite-agent along"
        return error
    }

    private func program(_ audience: String, _ context: SourceContext) -> Program {
        Program(
            command: [
                "buildkite-agent", "oidc", "request-token", "--audience", audience, "--lifetime",
                String(lifetime),
            ],
            variables: context.environment.filter { $0.key.hasPrefix("BUILDKITE") }
        )
    }
}
