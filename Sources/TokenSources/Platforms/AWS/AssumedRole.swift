import AWSSignature
import Crypto
import Federation
import Kernel
import Text

/// Roles that profiles assume, one with the key of the next.
struct AssumedRole {
    let chain: CredentialChain

    /// The key of the profile's role.
    func credentials(of name: String) async throws(SourceError) -> AWSCredentials {
        try await credentials(of: name, visited: [])
    }

    private func credentials(
        of name: String,
        visited: [String]
    ) async throws(SourceError) -> AWSCredentials {
        let place = "the profile \(name.printable)"
        let visited = visited + [name]
        guard let profile = chain.settings.profiles[name] else {
            throw chain.settings.profiles.missing(name, chain.context)
        }
        let role = try Role(profile, place)
        let key: AWSKey
        switch try source(of: profile, place) {
        case .profile(let source):
            key = try await sourceKey(source, for: name, visited: visited)
        case .provider(let provider): key = try await self.key(from: provider, profile)
        }
        let host = try chain.settings.configuredHost(chain.context) ?? .global
        let result = try await chain.settings.service(at: host, chain.context)
            .call("AssumeRole", role.parameters(at: chain.context), key: key) {
                role.explained($0, place)
            }
        return try AWSCredentials(result, origin: place, at: "AssumeRole for \(place)")
    }

    private enum Source {
        case profile(String)
        case provider(String)
    }

    private static let providers = ["Environment", "EcsContainer", "Ec2InstanceMetadata"]

    private func source(
        of profile: [String: String],
        _ place: String
    ) throws(SourceError) -> Source {
        let sources = (profile["source_profile"], profile["credential_source"])
        switch sources {
        case (let name?, nil): return .profile(name)
        case (nil, let provider?):
            guard Self.providers.contains(provider) else {
                throw SourceError(
                    .misconfigured,
                    "credential_source \"\(provider.printable)\" is not known; one of "
                        + Self.providers.joined(separator: ", "),
                    at: place,
                    hint: "write one of them in the profile, such as credential_source ="
                        + " Ec2InstanceMetadata"
                )
            }
            return .provider(provider)
        default:
            throw SourceError(
                .misconfigured,
                "role_arn goes with exactly one of source_profile and credential_source",
                at: place,
                hint:
                    "add source_profile = NAME to it, the profile whose key may assume the role, or"
                    + " credential_source = Ec2InstanceMetadata on a machine of EC2"
            )
        }
    }

    private func sourceKey(
        _ source: String,
        for name: String,
        visited: [String]
    ) async throws(SourceError) -> AWSKey {
        guard let profile = chain.settings.profiles[source] else {
            throw SourceError(
                .misconfigured,
                "the profile \(name.printable): its source_profile \(source.printable) is in neither"
                    + " of AWS's shared files",
                hint: "correct source_profile, or write the section [profile \(source.printable)]"
            )
        }
        // A profile may be its own source where it has a key as well as a role.
        let isOwn = source == name && profile.hasStaticKey
        guard isOwn || !visited.contains(source) else {
            let way = (visited + [source]).map(\.printable).joined(separator: ", ")
            throw SourceError(.misconfigured, "source_profile leads in a circle: \(way)")
        }
        if profile.assumesRole, !profile.hasStaticKey {
            return try await credentials(of: source, visited: visited).key
        }
        guard
            let found = try await chain.profileCredentials(source, withVariables: false)
        else {
            throw SourceError(
                .misconfigured,
                "the source profile \(source.printable) has no credentials",
                hint: "give it aws_access_key_id and aws_secret_access_key, or name another in"
                    + " source_profile"
            )
        }
        return found.key
    }

    private func key(
        from provider: String,
        _ profile: [String: String]
    ) async throws(SourceError) -> AWSKey {
        let context = chain.context
        switch provider {
        case "EcsContainer":
            return try await AWSContainerCredentials(context: context).credentials().key
        case "Ec2InstanceMetadata":
            return try await AWSInstanceMetadata(context: context, profile: profile)
                .credentials().key
        default:
            guard let found = try context.environmentCredentials() else {
                throw SourceError(
                    .noSource,
                    "credential_source is Environment, and AWS_ACCESS_KEY_ID is not set",
                    hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the agent, or write"
                        + " credential_source = Ec2InstanceMetadata"
                )
            }
            return found.key
        }
    }
}

/// A role to assume, as a profile describes it.
private struct Role {
    private let arn: String
    private let sessionName: String?
    private let externalID: String?
    private let duration: Int?

    init(_ profile: [String: String], _ place: String) throws(SourceError) {
        if profile.holds("mfa_serial") {
            throw SourceError(
                .misconfigured,
                "\(place) uses mfa_serial, which is not supported",
                hint: "nobody can type the MFA device's code: name a profile or a role without"
                    + " mfa_serial"
            )
        }
        arn = profile["role_arn"] ?? ""
        sessionName = profile["role_session_name"]
        externalID = profile["external_id"]
        duration = try seconds(profile, place)
    }

    /// What to do where the caller may not assume the role.
    func explained(_ error: SourceError, _ place: String) -> SourceError {
        guard error.code == "AccessDenied", !error.isCertain else { return error }
        var error = error
        error.hint =
            "both must allow it: the trust policy of the role \(arn.printable), to which \(place) leads, must name"
            + " the caller above as principal of sts:AssumeRole"
            + (externalID == nil
                ? "; where it asks for sts:ExternalId, write external_id = ID in the profile, which has none"
                : ", with the profile's external_id for sts:ExternalId")
            + "; and the caller's own policy must allow sts:AssumeRole on that role. A role_arn with a wrong letter is answered"
            + " in the same way"
        return error
    }

    func parameters(at context: SourceContext) -> [(String, String)] {
        var parameters = [
            ("RoleArn", arn), ("RoleSessionName", context.sessionName(sessionName)),
        ]
        if let externalID { parameters.append(("ExternalId", externalID)) }
        if let duration { parameters.append(("DurationSeconds", String(duration))) }
        return parameters
    }
}

/// A profile's `duration_seconds`; `nil` where it has none.
private func seconds(_ profile: [String: String], _ place: String) throws(SourceError) -> Int? {
    guard let text = profile["duration_seconds"] else { return nil }
    guard let seconds = Int(text), (900...43_200).contains(seconds) else {
        throw SourceError(
            .misconfigured,
            "duration_seconds is not a number from 900 to 43200",
            at: place,
            hint: "write duration_seconds = 3600"
        )
    }
    return seconds
}

extension SourceContext {
    /// The session's name as configured, else one of this program and the time.
    func sessionName(_ configured: String?) -> String {
        configured ?? "wif-agent-\(Int(timekeeper.wallClock.secondsSinceEpoch))"
    }
}

extension AWSCredentials {
    /// From the `Credentials` element of a reply.
    init(_ result: XMLElement, origin: String, at place: String) throws(SourceError) {
        guard let id = result["Credentials", "AccessKeyId"]?.text, !id.isEmpty,
            let secret = result["Credentials", "SecretAccessKey"]?.text, !secret.isEmpty,
            let token = result["Credentials", "SessionToken"]?.text, !token.isEmpty
        else { throw SourceError(.transient, "the reply has no Credentials", at: place) }
        try self.init(id: id, secret: secret, sessionToken: token, origin: origin, at: place)
    }
}
