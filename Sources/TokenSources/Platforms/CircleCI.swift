import Federation
import Kernel
import Text

/// A CircleCI job's token: minted by the `circleci` program for the wanted audience, else the one that
/// the job was given, whose audience is the organisation's id.
struct CircleCI: TokenFetcher {
    private static let variables = ["CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN"]

    /// The variable that alone is looked at, where one is named.
    let variable: String?

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        if let variable { return try given([variable], context) }
        guard context.runsPrograms, !context.audience.isEmpty else {
            return try given(Self.variables, context)
        }
        do throws(SourceError) {
            return try await minted(context)
        } catch let first {
            if Task.isCancelled { throw first }
            do throws(SourceError) {
                return try given(Self.variables, context)
            } catch {
                throw error.after(first)
            }
        }
    }

    private func minted(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let claims = JSON.object(["aud": .string(context.audience)]).serialized()
        let program = Program(
            command: [
                "circleci", "run", "oidc", "get", "--claims",
                String(decoding: claims, as: UTF8.self),
            ],
            variables: context.environment.filter {
                $0.key == "CIRCLECI" || $0.key.hasPrefix("CIRCLE_")
            }
        )
        return try await context.token(printedBy: program)
    }

    private func given(
        _ variables: [String],
        _ context: SourceContext
    ) throws(SourceError) -> SubjectToken {
        try context.jobToken(
            in: variables,
            hint: context.variable("CIRCLECI") == nil
                ? "this is no job of CircleCI, or its variables do not come this far (sudo, su and docker run drop"
                    + " them): run wif-agent in the job itself"
                : "a job gets a token only with a context: write context: NAME below the job in the workflow of"
                    + " .circleci/config.yml (any context will do). One of a forked pull request gets it only where"
                    + " secrets are passed to such builds"
        )
    }
}

extension SourceContext {
    /// The bare token that a program prints.
    func token(
        printedBy program: Program
    ) async throws(SourceError) -> SubjectToken {
        let result = try await run(program)
        guard result.status == .exited(0) else {
            throw SourceError(.noSource, "\(program.name) ended with \(result.status)")
        }
        return try SubjectToken(
            jws: result.output.text,
            from: source,
            at: "the output of \(program.name)"
        )
    }
}
