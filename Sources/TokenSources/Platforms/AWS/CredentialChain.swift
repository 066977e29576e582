import Crypto
import Federation
import Kernel
import Text

/// Where an AWS key is looked for, in the order of AWS's own tools. What is half there is an error:
/// going on would end at another identity than the one that was meant.
struct CredentialChain: Sendable {
    let settings: AWSSettings
    let context: SourceContext

    /// The first key there is.
    /// - Throws: where something is half there, where it fails, or where there is nothing at all.
    func credentials() async throws(SourceError) -> AWSCredentials {
        // A profile that the account file names is meant, whatever the variables say.
        let isChosen = settings.source.profile != nil
        if !isChosen, let found = try context.environmentCredentials() { return found }
        if settings.profile.assumesRole {
            return try await AssumedRole(chain: self).credentials(of: settings.profileName)
        }
        if let found = try await profileCredentials(
            settings.profileName,
            withVariables: !isChosen
        ) {
            return found
        }
        if AWSContainerCredentials.isConfigured(context) {
            return try await AWSContainerCredentials(context: context).credentials()
        }
        do throws(SourceError) {
            return try await AWSInstanceMetadata(context: context, profile: settings.profile)
                .credentials()
        } catch {
            throw nothingElse(error)
        }
    }

    /// The key that a profile itself holds or leads to; roles that it assumes with other keys aside.
    func profileCredentials(
        _ name: String,
        withVariables: Bool
    ) async throws(SourceError) -> AWSCredentials? {
        let profile = settings.profiles[name] ?? [:]
        let place = "the profile \(name.printable)"
        if let identity = try WebIdentityRole(
            profile,
            place,
            variables: withVariables ? context : nil
        ) {
            return try await identity.credentials(settings, context)
        }
        if ["sso_account_id", "sso_role_name"].contains(where: profile.holds) {
            throw unsupported(Self.singleSignOn, place)
        }
        if let found = try (settings.profiles.credentials[name] ?? [:]).staticKey(place) {
            return found
        }
        if profile.holds("login_session") { throw unsupported("login_session", place) }
        if let command = profile["credential_process"], !command.isEmpty {
            return try await CredentialProcess(
                command: command,
                place: place,
                objection: settings.profiles.objection
            )
            .credentials(context)
        }
        if let found = try (settings.profiles.config[name] ?? [:]).staticKey(place) {
            return found
        }
        // By itself it asks for a token of another kind, and a key beside it is used.
        if profile.holds("sso_session") { throw unsupported(Self.singleSignOn, place) }
        return nil
    }

    private static let singleSignOn = "single sign-on (sso_session, sso_account_id)"

    private func unsupported(_ what: String, _ place: String) -> SourceError {
        SourceError(
            .misconfigured,
            "\(place) uses \(what), which is not supported",
            hint: "it needs a person to log in, and an agent is none: \(profileAdvice)"
        )
    }

    /// How another profile, or none, comes to be used.
    private var profileAdvice: String {
        let other =
            "name a profile with role_arn and credential_source = Ec2InstanceMetadata (EcsContainer in a task), or with"
            + " a credential_process"
        if settings.source.profile != nil {
            return
                "remove profile from credentialSource, so that the machine's, task's or pod's own role is used; or \(other)"
        }
        if let name = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].first(where: {
            context.variable($0) != nil
        }) {
            return
                "unset \(name), so that the machine's, task's or pod's own role is used; or \(other) in it"
        }
        return
            "remove the profile default from the shared files (~/.aws/config), or have AWS_CONFIG_FILE name another"
            + " file, so that the machine's, task's or pod's own role is used; or \(other) in AWS_PROFILE"
    }

    private func nothingElse(_ error: SourceError) -> SourceError {
        var error = error.after(
            "no key in the variables, \(settings.profileName.printable)'s profile or a container"
                + " endpoint"
        )
        if let hint = misnamedHint ?? taskHint {
            error.hint = hint
        } else if error.hint == nil, error.class == .noSource {
            error.hint =
                "attach a role to the machine, the task or the pod; or set AWS's variables, or a"
                + " profile"
        }
        return error
    }

    /// For a profile whose key stands under names that AWS's tools do not read.
    private var misnamedHint: String? {
        let known = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"]
        let profile = settings.profiles[settings.profileName] ?? [:]
        let renamed = profile.keys.sorted().compactMap { name -> String? in
            guard !known.contains(name), name.contains("key") || name.contains("token") else {
                return nil
            }
            let meant =
                name.contains("secret")
                ? known[1]
                : name.contains("token") ? known[2] : name.contains("access") ? known[0] : nil
            return meant.map { "\($0) for \(name.printable)" }
        }
        guard !renamed.isEmpty else { return nil }
        let isOfCredentials = settings.profiles.credentials[settings.profileName] != nil
        let place = AWSProfiles.place(
            isOfCredentials ? "AWS_SHARED_CREDENTIALS_FILE" : "AWS_CONFIG_FILE",
            isOfCredentials ? "credentials" : "config",
            context
        )
        return
            "the profile \(settings.profileName.printable) has its key under names that are not read: write"
            + " \(renamed.joined(separator: " and ")) in \(place)"
    }

    /// For a task of ECS that has no role.
    private var taskHint: String? {
        let names = ["ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI"]
        guard let name = names.first(where: { context.variable($0) != nil }) else { return nil }
        return
            "this is a task of ECS (\(name) is set) without a task role, for AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set:"
            + " set taskRoleArn in the task definition and start the task anew; executionRoleArn is for ECS itself, and no"
            + " program gets it. Where a wrapper (su -, sudo, env -i) drops the variable, keep it"
    }
}

extension [String: String] {
    /// Whether a profile has the key, with a value.
    func holds(_ key: String) -> Bool { self[key].map { !$0.isEmpty } ?? false }

    /// Whether a profile's role is assumed with the key of another.
    var assumesRole: Bool { holds("role_arn") && !holds("web_identity_token_file") }

    /// Whether a profile has a key of its own.
    var hasStaticKey: Bool { holds("aws_access_key_id") || holds("aws_secret_access_key") }

    /// A profile's own key; `nil` where it has none.
    fileprivate func staticKey(_ place: String) throws(SourceError) -> AWSCredentials? {
        guard hasStaticKey else { return nil }
        guard let id = self["aws_access_key_id"], let secret = self["aws_secret_access_key"],
            !id.isEmpty, !secret.isEmpty
        else {
            throw SourceError(
                .misconfigured,
                "\(place) has only one of aws_access_key_id and aws_secret_access_key",
                hint: "write the other one, too, or remove both to use another way to a key"
            )
        }
        let token = ["aws_security_token", "aws_session_token"].first(where: holds)
        return try AWSCredentials(
            id: id,
            secret: secret,
            sessionToken: token.flatMap { self[$0] },
            origin: place,
            at: place
        )
    }
}

extension SourceContext {
    /// The key in the variables; `nil` where there is none.
    func environmentCredentials() throws(SourceError) -> AWSCredentials? {
        let id = variable("AWS_ACCESS_KEY_ID")
        let secret = variable("AWS_SECRET_ACCESS_KEY")
        guard id != nil || secret != nil else { return nil }
        guard let id, let secret else {
            throw SourceError(
                .misconfigured,
                "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set",
                hint:
                    "set \(id == nil ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"), too; a"
                    + " program"
                    + " started by an init system has only the variables that are passed to it"
            )
        }
        let token = variable("AWS_SECURITY_TOKEN") ?? variable("AWS_SESSION_TOKEN")
        if id.hasPrefix("ASIA"), token == nil {
            throw SourceError(
                .misconfigured,
                "AWS_ACCESS_KEY_ID is the key of a session, and AWS_SESSION_TOKEN is not set",
                hint: "set AWS_SESSION_TOKEN, too: the three belong together"
            )
        }
        if ["AKIA", "ASIA"].contains(where: secret.hasPrefix), !id.hasPrefix("A") {
            throw SourceError(
                .misconfigured,
                "AWS_SECRET_ACCESS_KEY holds a key's id, not its secret",
                hint: "exchange the values of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: they are"
                    + " swapped"
            )
        }
        return try AWSCredentials(
            id: id,
            secret: secret,
            sessionToken: token,
            origin: AWSCredentials.ofVariables,
            at: "AWS_ACCESS_KEY_ID"
        )
    }
}
