package import Kernel

/// A credential as it is delivered.
package struct Rendered: Sendable {
    package let bytes: Secret
    /// What the reader should know, each ready to print.
    package let warnings: [String]

    package init(bytes: Secret, warnings: [String] = []) {
        self.bytes = bytes
        self.warnings = warnings
    }
}

/// Why a credential cannot be written in a format.
package struct FormatError: Error, Equatable, Sendable {
    package let problem: String
    package let hint: String?

    package init(_ problem: String, hint: String? = nil) {
        self.problem = problem
        self.hint = hint
    }
}

/// A credential, and what an account says of how it is written down.
package struct RenderedCredential: Sendable {
    let credential: Credential
    let account: Account
    /// The variable that env formats set.
    let variable: String
    /// For the format `template`.
    var template: Template?
}

extension Format {
    /// Writes a credential down; nothing outside is read or changed.
    ///
    /// - Parameters:
    ///   - variable: the variable that env formats set; the account's where absent.
    ///   - template: for the format `template`.
    /// - Throws: ``FormatError`` where the format is not for this kind of credential.
    package func render(
        _ credential: Credential,
        for account: Account,
        variable: String? = nil,
        template: Template? = nil
    ) throws(FormatError) -> Rendered {
        try facts.render(
            RenderedCredential(
                credential: credential,
                account: account,
                variable: variable ?? account.variable,
                template: template
            )
        )
    }
}

extension RenderedCredential {
    /// One line for each variable of the env formats.
    func lines(_ line: (_ name: String, _ value: [UInt8]) -> [UInt8]) -> Secret {
        var bytes: [UInt8] = []
        defer { wipe(&bytes) }
        for (name, value) in environmentVariables(credential, account, named: variable) {
            bytes += line(name, value) + [UInt8(ascii: "\n")]
        }
        return Secret(bytes)
    }
}
