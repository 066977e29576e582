import Kernel
import Text

/// A program that prints a token, or Google's executable response.
package struct ExecutableSource: Sendable {
    /// The argument vector; first the program's absolute path.
    package let command: [String]
    /// Seconds, 5 to 120.
    package let timeLimit: Double
    /// Where the program keeps its last response; looked at before it is run.
    package let outputFile: String?
    /// The type of token that the account asks for, told to the program.
    package let tokenType: String
    /// Google's account that the token will be used for, told to the program.
    package let impersonatedEmail: String?
}

extension ExecutableSource {
    private static let emailMarker = "/serviceAccounts/"

    /// `executable` with its program; Google's files have the command as one string.
    init(_ object: inout KeyedValues, in values: KeyedValues) throws(AccountError) {
        let command = try Self.command(&object)
        try object.checkProgram(command.first ?? "")
        let limit = try object.number("timeoutMillis", in: 5000...120_000)
        let impersonation = values.peek("serviceAccountImpersonationUrl") ?? ""
        var email: Substring?
        let parts = impersonation.parts(separatedBy: Self.emailMarker)
        if parts.count == 2 { email = parts[1].prefix { $0 != ":" } }
        self.init(
            command: command,
            timeLimit: (limit ?? 30_000) / 1000,
            outputFile: try object.absolutePath("outputFile"),
            tokenType: values.peek("subjectTokenType")
                ?? "urn:ietf:params:oauth:token-type:jwt",
            impersonatedEmail: email.map(String.init)
        )
    }

    private static func command(_ object: inout KeyedValues) throws(AccountError) -> [String] {
        guard let line = object.peek("command") else {
            return try object.strings("command")
        }
        _ = object.take("command")
        guard let words = shellWords(line) else {
            throw object.error("command", "has a quote or backslash that is not closed")
        }
        return words
    }
}
