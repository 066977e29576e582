package import Kernel
import Text

/// One `external_account` file, parsed once into values that need no second look: exclusive options
/// are cases, URLs are checked, paths are absolute.
package struct Account: Sendable {
    /// The file's base name without `.json`.
    package let name: String
    /// The file's absolute path as given.
    package let path: String
    /// The file's bytes, for the worker and to tell whether the file has changed.
    package let document: Secret
    package let service: Service
    package let tokenSource: TokenSource
    /// `nil` where nobody acts for the subject.
    package let actor: ActorToken?
    /// The audience asked of the token source; empty where none is configured.
    package let tokenAudience: String
    /// The issuer that the service trusts, verbatim.
    package let issuer: String?
    /// Seconds a credential is taken to live where the service does not say it.
    package let lifetime: Double
    /// As configured; ``outputs(in:)`` adds the default.
    package private(set) var configuredOutputs: [Output]
    package private(set) var hooks: [RefreshHook]
    package let revokeOnExit: Bool?
    /// A proxy for the exchange in place of the environment's.
    package let proxy: Endpoint?
    /// A file of CA certificates in place of the system's, for the exchange.
    package let caFile: String?
    /// The variable that env formats set.
    package let variable: String
    /// What is accepted but should be looked at, each ready to print.
    package private(set) var warnings: [AccountWarning]
    /// The identities of the accounts whose credentials are this one's tokens, and so a part of its own;
    /// without those that are not known yet.
    package private(set) var chainedIdentities: [TokenRole: AccountIdentity] = [:]
    /// Those accounts' present credentials, for one job.
    package private(set) var handedOver: [TokenRole: Secret] = [:]

    /// The accounts whose credentials are this one's tokens.
    package var chainedAccounts: [TokenRole: String] {
        sources.compactMapValues { if case .account(let name) = $0 { name } else { nil } }
    }

    /// Where each of its tokens comes from.
    package var sources: [TokenRole: TokenSource] {
        var sources = [TokenRole.subject: tokenSource]
        sources[.actor] = actor?.source
        return sources
    }

    /// The same account, one of its tokens the credential of an account with this identity.
    package func chained(
        to identity: AccountIdentity?,
        as role: TokenRole = .subject
    ) -> Account {
        var account = self
        account.chainedIdentities[role] = identity
        return account
    }

    /// The same account, chained as another version of it is.
    package func chained(like other: Account) -> Account {
        var account = self
        account.chainedIdentities = other.chainedIdentities
        return account
    }

    /// The same account with that credential for one job.
    package func handing(over token: Secret, as role: TokenRole = .subject) -> Account {
        var account = self
        account.handedOver[role] = token
        return account
    }

    /// Where the credential is delivered: as configured, else one socket in the runtime directory.
    package func outputs(in runtimeDirectory: String) -> [Output] {
        if !configuredOutputs.isEmpty { return configuredOutputs }
        return [
            Output(kind: .socket(.raw, SocketAccess()), path: "\(runtimeDirectory)/\(name).sock")
        ]
    }

    /// The same account with these outputs in place of its own (`--output`), and these hooks.
    package func replacingOutputs(_ outputs: [Output], hooks: [RefreshHook]? = nil) -> Account {
        var account = self
        account.configuredOutputs = outputs
        account.hooks = hooks ?? self.hooks
        return account
    }

    /// The same account with one warning more.
    package func warning(_ text: String) -> Account {
        var account = self
        account.warnings.append(AccountWarning(text))
        return account
    }

    /// The same account with another audience asked of the token source.
    /// - Parameter environment: the requester's.
    /// - Throws: ``AccountError``, as for the account file.
    package func asking(
        for audience: String,
        environment: [String: String]
    ) throws(AccountError) -> Account {
        var bytes = document.bytes
        defer { wipe(&bytes) }
        var members: [String: JSON] = [:]
        do throws(JSONError) { members = try JSON(parsing: bytes).object ?? [:] } catch {
            // An account's document has been parsed before.
        }
        members["token_audience"] = nil
        members["tokenAudience"] = .string(audience)
        var changed = JSON.object(members).serialized()
        defer { wipe(&changed) }
        return try Account(parsing: Secret(changed), path: path, environment: environment)
    }
}

/// An account file that cannot be used: which key, what was found, what is expected.
package struct AccountError: Error, Equatable, Sendable, CustomStringConvertible {
    package let message: String
    package let hint: String?
    /// Whether a required key is absent, and no key is there that looks like it misspelt.
    let isOfAbsentKey: Bool

    package init(_ message: String, hint: String? = nil, isOfAbsentKey: Bool = false) {
        self.message = message
        self.hint = hint
        self.isOfAbsentKey = isOfAbsentKey
    }

    package var description: String {
        if let hint { "\(message)\nhint: \(hint)" } else { message }
    }

    /// The error as the failure that the rest of the program passes on.
    package var failure: Failure {
        Failure(.misconfigured, at: .account, message, hint: hint)
    }
}

/// Something in an account file that is accepted, and should be looked at.
package struct AccountWarning: Equatable, Sendable {
    /// Ready to print.
    package let text: String
    /// What was most likely meant; the text says it too.
    package let hint: String?

    init(_ text: String, hint: String? = nil) {
        self.text = text
        self.hint = hint
    }
}
