package import Kernel
import Synchronization
import Text

/// One `external_account` file, parsed once into values that need no second look: exclusive options
/// are cases, URLs are checked, paths are absolute.
package struct Account: Sendable {
    /// What an account file says.
    struct Contents: Sendable {
        let name: String
        let path: String
        let document: Secret
        let service: Service
        let tokenSource: TokenSource
        let actor: ActorToken?
        let tokenAudience: String
        let issuer: String?
        let lifetime: Double
        var configuredOutputs: [Output]
        var hooks: [RefreshHook]
        let revokeOnExit: Bool?
        let proxy: Endpoint?
        let caFile: String?
        let variable: String
        var warnings: [AccountWarning]
        var chainedIdentities: [TokenRole: AccountIdentity] = [:]
        var handedOver: [TokenRole: Secret] = [:]
    }

    private final class Box: Sendable {
        let value: Contents
        /// That of the account, once somebody has asked for it.
        let identity = AtomicLazyReference<Secret>()

        init(_ value: Contents) {
            self.value = value
        }
    }

    // With one reference, since an account goes with most events and effects of its life.
    private var boxed: Box

    private var contents: Contents {
        get { boxed.value }
        set { boxed = Box(newValue) }
    }

    init(_ contents: Contents) {
        boxed = Box(contents)
    }

    /// Whose credential this account's is.
    package var identity: AccountIdentity {
        let canonical = boxed.identity.load()
        return AccountIdentity(
            canonical: canonical ?? boxed.identity.storeIfNil(AccountIdentity.canonical(self))
        )
    }

    /// The file's base name without `.json`.
    package var name: String { boxed.value.name }
    /// The file's absolute path as given.
    package var path: String { boxed.value.path }
    /// The file's bytes, for the worker and to tell whether the file has changed.
    package var document: Secret { boxed.value.document }
    package var service: Service { boxed.value.service }
    package var tokenSource: TokenSource { boxed.value.tokenSource }
    /// `nil` where nobody acts for the subject.
    package var actor: ActorToken? { boxed.value.actor }
    /// The audience asked of the token source; empty where none is configured.
    package var tokenAudience: String { boxed.value.tokenAudience }
    /// The issuer that the service trusts, verbatim.
    package var issuer: String? { boxed.value.issuer }
    /// Seconds a credential is taken to live where the service does not say it.
    package var lifetime: Double { boxed.value.lifetime }
    /// As configured; ``outputs(in:)`` adds the default.
    package var configuredOutputs: [Output] { boxed.value.configuredOutputs }
    package var hooks: [RefreshHook] { boxed.value.hooks }
    package var revokeOnExit: Bool? { boxed.value.revokeOnExit }
    /// A proxy for the exchange in place of the environment's.
    package var proxy: Endpoint? { boxed.value.proxy }
    /// A file of CA certificates in place of the system's, for the exchange.
    package var caFile: String? { boxed.value.caFile }
    /// The variable that env formats set.
    package var variable: String { boxed.value.variable }
    /// What is accepted but should be looked at, each ready to print.
    package var warnings: [AccountWarning] { boxed.value.warnings }
    /// The identities of the accounts whose credentials are this one's tokens, and so a part of its own;
    /// without those that are not known yet.
    package var chainedIdentities: [TokenRole: AccountIdentity] { boxed.value.chainedIdentities }
    /// Those accounts' present credentials, for one job.
    package var handedOver: [TokenRole: Secret] { boxed.value.handedOver }

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
        account.contents.chainedIdentities[role] = identity
        return account
    }

    /// The same account, chained as another version of it is.
    package func chained(like other: Account) -> Account {
        var account = self
        account.contents.chainedIdentities = other.chainedIdentities
        return account
    }

    /// The same account with that credential for one job.
    package func handing(over token: Secret, as role: TokenRole = .subject) -> Account {
        var account = self
        account.contents.handedOver[role] = token
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
        account.contents.configuredOutputs = outputs
        account.contents.hooks = hooks ?? self.hooks
        return account
    }

    /// The same account with one warning more.
    package func warning(_ text: String) -> Account {
        var account = self
        account.contents.warnings.append(AccountWarning(text))
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
    /// The key at the top of the file that it is about; `nil` where it is about the file as a whole.
    let key: String?

    package init(_ message: String, hint: String? = nil) {
        self.init(message, hint: hint, isOfAbsentKey: false, key: nil)
    }

    init(_ message: String, hint: String?, isOfAbsentKey: Bool = false, key: String?) {
        self.key = key
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
    /// Whether it doubts a value that may be right all the same: what fails later is told by its own step.
    package let isDoubt: Bool

    init(_ text: String, hint: String? = nil) {
        self.text = text
        self.hint = hint
        isDoubt = false
    }

    /// - Parameter text: what is odd, a colon, and what to write instead.
    init(ofValue text: String) {
        self.text = text
        hint = text.firstRange(of: ": write ").map { String(text[$0.lowerBound...].dropFirst(2)) }
        isDoubt = true
    }
}
