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
            return try await context.token(printedBy: program(audience, context))
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
            hints: [401: "the agent's token ends with the job; has it ended?"]
        ).subjectToken(context)
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
