import Federation
import Kernel
import Text

/// A role that is assumed with a token of an OIDC issuer: that of an EKS service account, say.
struct WebIdentityRole {
    private let tokenFile: String
    private let role: String
    private let sessionName: String?

    /// From the variables, and a profile where they say nothing; `nil` where neither names a file.
    /// - Throws: where there is a file without a role.
    init?(
        _ profile: [String: String],
        _ place: String,
        variables context: SourceContext?
    ) throws(SourceError) {
        func value(_ variable: String, _ key: String) -> String? {
            context?.variable(variable) ?? (profile.holds(key) ? profile[key] : nil)
        }
        guard let file = value("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file") else {
            return nil
        }
        guard let role = value("AWS_ROLE_ARN", "role_arn") else {
            throw SourceError(
                .misconfigured,
                "a web identity token file is named without a role",
                hint: "set AWS_ROLE_ARN, or role_arn in \(place)"
            )
        }
        tokenFile = file
        self.role = role
        sessionName = value("AWS_ROLE_SESSION_NAME", "role_session_name")
    }

    /// The role's key. The file is read anew where the service does not take the token any more.
    func credentials(
        _ settings: AWSSettings,
        _ context: SourceContext
    ) async throws(SourceError) -> AWSCredentials {
        let host = try settings.configuredHost(context) ?? .global
        let service = try settings.service(at: host, context)
        do throws(SourceError) {
            return try await credentials(service, context)
        } catch {
            guard error.isStale else { throw error }
            return try await credentials(service, context)
        }
    }

    /// A refusal with what the role must trust, by the token's own claims.
    private func explained(_ error: SourceError, _ claims: TokenClaims?) -> SourceError {
        let isOfTrust = ["AccessDenied", "InvalidIdentityToken"].contains(error.code)
        guard isOfTrust, !error.isCertain, let claims, let issuer = claims.issuer else {
            return error
        }
        var error = error
        error.hint =
            "compare the token in \(tokenFile.printable) with the account of the role \(role.printable): IAM must"
            + " have an identity provider \(issuer.printable) with the audience"
            + " \(claims.audiences.joined(separator: " ").printable), and the role's trust policy must allow"
            + " sts:AssumeRoleWithWebIdentity where \(issuer.withoutScheme.printable):sub is"
            + " \(claims.subject?.printable ?? "none")"
        return error
    }

    private static let writer =
        "AWS_WEB_IDENTITY_TOKEN_FILE, or the profile, names this file: on EKS the pod's service account"
        + " needs the annotation eks.amazonaws.com/role-arn, by which the token is mounted into a pod made"
        + " afterwards; variables that were copied into another container have no file there. Elsewhere start the"
        + " program that writes it"

    private func credentials(
        _ service: SecurityTokenService,
        _ context: SourceContext
    ) async throws(SourceError) -> AWSCredentials {
        let file = context.expanded(tokenFile)
        let token = try TokenFile(path: file, format: .text, writer: Self.writer).token()
        let result = try await service.call(
            "AssumeRoleWithWebIdentity",
            [
                ("RoleArn", role), ("RoleSessionName", context.sessionName(sessionName)),
                ("WebIdentityToken", token.text),
            ],
            key: nil
        ) { explained($0, SubjectToken(token, source: context.source).claims) }
        return try AWSCredentials(
            result,
            origin: "web identity",
            at: "AssumeRoleWithWebIdentity for \(role.printable)"
        )
    }
}
