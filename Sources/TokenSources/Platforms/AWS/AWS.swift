import AWSSignature
import Crypto
package import Federation
import HTTP
import Kernel
package import Text

/// An AWS identity: a signed `GetCallerIdentity` request, or a token of the account's own issuer.
struct AWS: TokenFetcher {
    /// Seconds that a token of the account's issuer lives: enough for services that want 3 minutes left.
    private static let tokenLifetime = 600

    let source: AWSSource

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let settings = try AWSSettings(source, context)
        let credentials = try await credentials(settings, context)
        let host = try await settings.host(for: credentials, context)
        switch source.token {
        case .google: return try googleProof(credentials.key, host, context)
        case .callerIdentity: return try callerIdentity(credentials.key, host, context)
        case .webIdentity:
            let service = try settings.service(at: host, context)
            return try await webIdentity(credentials, service, context)
        }
    }

    /// As whom AWS knows this identity: what it answers to a `GetCallerIdentity` of one's own.
    func identity(_ context: SourceContext) async throws(SourceError) -> JSON {
        let settings = try AWSSettings(source, context)
        let credentials = try await credentials(settings, context)
        let host = try await settings.host(for: credentials, context)
        let result = try await settings.service(at: host, context)
            .call("GetCallerIdentity", [], key: credentials.key) {
                credentials.explained($0, isProfileNamed: source.profile != nil)
            }
        let members = ["Arn", "Account", "UserId"].compactMap { name in
            result[name].map { (name, JSON.string($0.text)) }
        }
        return .object(Dictionary(uniqueKeysWithValues: members))
    }

    /// The key, which no request shows and no message may.
    private func credentials(
        _ settings: AWSSettings,
        _ context: SourceContext
    ) async throws(SourceError) -> AWSCredentials {
        let found = try await CredentialChain(settings: settings, context: context).credentials()
        context.secrets.add(found.key.secret)
        if let token = found.key.sessionToken { context.secrets.add(token) }
        return found
    }

    private func callerIdentity(
        _ key: AWSKey,
        _ host: SecurityTokenHost,
        _ context: SourceContext
    ) throws(SourceError) -> SubjectToken {
        guard host.isProvable else {
            throw SourceError(
                .misconfigured,
                "a request to \(host.name) proves nothing to Mondoo, which accepts sts.amazonaws.com"
                    + " and sts.REGION.amazonaws.com only",
                hint: regionHint(host, context)
            )
        }
        let date = context.timekeeper.wallClock.advanced(bySeconds: context.clockOffset)
        return SubjectToken(
            CallerIdentityProof(host: host, date: date, key: key).serialized,
            source: context.source
        )
    }

    /// What to do about a region whose requests Mondoo does not take, by what chose it.
    private func regionHint(_ host: SecurityTokenHost, _ context: SourceContext) -> String {
        let names = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        let variable = source.region == nil ? names.first { context.variable($0) != nil } : nil
        let chosen =
            variable ?? (source.region == nil ? "the profile's region" : "credentialSource.region")
        return
            "\(host.signingRegion) (by \(chosen)) cannot be used here, for keys of China, the European Sovereign Cloud and"
            + " isolated regions are unknown to the public service: have another identity of this machine trusted,"
            + " \"token\": \"web-identity\" with a custom OIDC provider, or another platform's in credentialSource. Only"
            + " where the key is of the public AWS, set \(chosen) to a region of it, such as eu-central-1"
    }

    /// As Google's libraries make it. https://cloud.google.com/iam/docs/access-resources-aws
    private func googleProof(
        _ key: AWSKey,
        _ host: SecurityTokenHost,
        _ context: SourceContext
    ) throws(SourceError) -> SubjectToken {
        let date = context.timekeeper.wallClock.advanced(bySeconds: context.clockOffset)
        let proof = CallerIdentityProof(
            host: host,
            date: date,
            key: key,
            others: [("x-goog-cloud-target-resource", try context.requiredAudience())]
        )
        context.secrets.add(proof.serialized)
        return SubjectToken(
            Secret(percentEncoded(proof.serialized.text)),
            source: context.source
        )
    }

    private func webIdentity(
        _ credentials: AWSCredentials,
        _ service: SecurityTokenService,
        _ context: SourceContext
    ) async throws(SourceError) -> SubjectToken {
        let audience = try context.requiredAudience()
        guard service.host != .global else {
            throw SourceError(
                .misconfigured,
                "the region is not known, and sts.amazonaws.com gives no web identity tokens",
                hint: "set credentialSource.region or AWS_REGION"
            )
        }
        let result = try await service.call(
            "GetWebIdentityToken",
            [
                ("Audience.member.1", audience),
                ("DurationSeconds", String(Self.tokenLifetime)),
                ("SigningAlgorithm", "RS256"),
            ],
            key: credentials.key
        ) { credentials.explained($0, isProfileNamed: source.profile != nil) }
        let place = "GetWebIdentityToken at \(service.host.name)"
        guard let token = result["WebIdentityToken"]?.text else {
            throw SourceError(.transient, "the reply has no WebIdentityToken", at: place)
        }
        return try SubjectToken(jws: token, from: context.source, at: place)
    }
}

extension SourceContext {
    /// Whose signature a signed request to AWS bears: `Arn`, `Account` and `UserId`, as AWS says.
    /// - Throws: ``Failure`` as ``subjectToken(from:)`` does.
    package func callerIdentity(from source: TokenSource) async throws(Failure) -> JSON {
        var aws = AWSSource()
        if case .aws(let named) = source { aws = named }
        do throws(SourceError) {
            return try await AWS(source: aws).identity(self)
        } catch {
            throw error.failure(of: TokenPlatform.aws.rawValue)
        }
    }
}

extension SourceContext {
    /// What to do where a key of the variables has come before another identity that is named as well; `nil`
    /// where that is not so.
    package func precedenceHint(of source: TokenSource) -> String? {
        guard case .aws(let named) = source, named.profile == nil,
            variable("AWS_ACCESS_KEY_ID") != nil
        else { return nil }
        let token = variable("AWS_SESSION_TOKEN") == nil ? "" : " and AWS_SESSION_TOKEN"
        let start =
            "the key is that of AWS_ACCESS_KEY_ID in the environment, which comes before"
        let end = "unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY\(token)"
        if let profile = variable("AWS_PROFILE") {
            return
                "\(start) AWS_PROFILE=\(profile.printable): \(end), or write \"profile\": \"\(profile.printable)\" in"
                + " credentialSource"
        }
        let others = [
            "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ]
        guard let other = others.first(where: { variable($0) != nil }) else { return nil }
        return "\(start) the role of this pod or task (\(other)): \(end), if that role is meant"
    }
}

/// A signed `GetCallerIdentity` request, for the service to send: its reply says who signed it.
struct CallerIdentityProof {
    /// JSON in the order of Mondoo's documentation. Whoever has it can prove the same for 15 minutes.
    let serialized: Secret

    /// - Parameter others: headers that are signed, too.
    init(
        host: SecurityTokenHost,
        date: WallTime,
        key: AWSKey,
        others: [(name: String, value: String)] = []
    ) {
        let request = SignedRequest(
            host: host.name,
            region: host.signingRegion,
            date: date,
            query: [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")],
            others: others,
            key: key
        )
        let url = "https://\(host.name)/?Action=GetCallerIdentity&Version=2011-06-15"
        let headers = request.headers.map { header in
            #"{"key":\#(Self.quoted(header.name)),"value":\#(Self.quoted(header.value.text))}"#
        }
        serialized = Secret(
            #"{"url":\#(Self.quoted(url)),"method":"POST","headers":[\#(headers.joined(separator: ","))]}"#
        )
    }

    private static func quoted(_ text: String) -> String {
        String(decoding: JSON.string(text).serialized(), as: UTF8.self)
    }
}
