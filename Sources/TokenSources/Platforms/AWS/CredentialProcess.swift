import Federation
import Kernel
import Text

/// A program that prints a key: a profile's `credential_process`.
struct CredentialProcess {
    private static let variables = [
        "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_DEFAULT_REGION",
        "AWS_CA_BUNDLE",
    ]

    let command: String
    let place: String
    /// Why others could have named the program; `nil` where they could not.
    var objection: SourceError?

    func credentials(_ context: SourceContext) async throws(SourceError) -> AWSCredentials {
        if let objection { throw objection }
        guard let words = shellWords(command), let name = words.first else {
            throw SourceError(
                .misconfigured,
                "credential_process is not a command line, for a closing quote is missing",
                at: place
            )
        }
        let variables = context.environment.filter { Self.variables.contains($0.key) }
        let output: ProgramOutput
        do throws(SourceError) {
            output = try await context.run(Program(command: words, variables: variables))
        } catch {
            var error = error
            error.hint =
                error.hint
                ?? "correct credential_process of \(place): \(name.printable) cannot be run"
            throw error
        }
        guard output.status == .exited(0) else {
            throw SourceError(
                .noSource,
                "credential_process of \(place): \(name.printable) ended with \(output.status)",
                // Not its arguments, which may hold a password.
                hint: "run that command by hand as the agent's user and see what it says"
            )
        }
        return try Self.credentials(output.output, from: name.printable)
    }

    /// - Throws: for what is not the JSON that such a program prints; none of it is quoted.
    static func credentials(_ output: Secret, from name: String) throws(SourceError)
        -> AWSCredentials
    {
        let json = try JSON(output.bytes, of: "the output", at: name)
        guard json["Version"] == 1 else {
            throw SourceError(.noSource, "\(name): the output's Version is not 1")
        }
        return try AWSCredentials(
            json,
            tokenMember: "SessionToken",
            origin: "credential_process",
            at: name
        )
    }
}
