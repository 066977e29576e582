import Federation
import Kernel
import Text

/// What AWS answers to AssumeRoleWithWebIdentity in place of a session, held against the errors that its
/// pages list for this call and for every call, and what to change then.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
struct RoleRefusal {
    let role: AWSRole
    let code: String
    /// The whole answer in lower case.
    let words: String
    let claims: TokenClaims?

    /// What AWS's own reason leads to; `nil` where it names none.
    var reason: String? {
        switch code {
        case "AccessDenied", "AccessDeniedException": policyReason
        case "InvalidIdentityToken", "InvalidIdentityTokenException": tokenReason ?? claimReason
        case "IDPCommunicationError", "IDPCommunicationErrorException": unreachedHint
        case "IDPRejectedClaim", "IDPRejectedClaimException":
            "the issuer \(issuer) has refused or revoked the token by itself: have it issue a new one, and see its own log"
        case "ExpiredTokenException", "ExpiredToken":
            "AWS finds the token expired: use a source that gives a new token each time, and check this machine's clock"
                + " (timedatectl)"
        case "PackedPolicyTooLarge", "PackedPolicyTooLargeException":
            "the session tags in the token (its claim https://aws.amazon.com/tags) are too many or too long: have the issuer"
                + " put fewer and shorter ones into it (50 at most), or leave them out"
        case "MalformedPolicyDocument", "MalformedPolicyDocumentException":
            "AWS calls the session's policy malformed, and wif-agent sends none: a proxy or another endpoint may change the"
                + " request; unset AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_STS where they are set"
        default: requestReason ?? passingReason
        }
    }

    /// What most often is the cause, where AWS names none.
    var guess: String? {
        switch code {
        case "AccessDenied", "AccessDeniedException": policyHint
        case "InvalidIdentityToken", "InvalidIdentityTokenException": providerHint
        default: nil
        }
    }

    /// Whether the reason is one that what is seen of the issuer from here may explain.
    var isOfIssuer: Bool {
        says("retrieve", "verification key", "signature", "jwk") || code.hasPrefix("IDP")
    }

    private func says(_ parts: String...) -> Bool { parts.contains(where: words.contains) }

    private var issuer: String { claims?.issuer?.printable ?? "none" }
    private var subject: String { claims?.subject?.printable ?? "none" }
    private var audience: String { claims?.audiences.first?.printable ?? "none" }
    private var name: String {
        role.arn.split(separator: "/").last.map { String($0).printable } ?? "NAME"
    }
    private var providerARN: String {
        let partition = role.arn.split(separator: ":").dropFirst().first.map(String.init) ?? "aws"
        return "arn:\(partition):iam::\(role.account):oidc-provider/\(issuer.withoutScheme)"
    }

    // MARK: Policies

    private static let organization =
        "whoever runs the AWS organization (its management account, AWS Organizations > Policies) must make an exception for"
        + " this role or this identity provider; the role's own trust policy and the account file are not the cause"

    private var policyReason: String? {
        if says("resource control policy") {
            return
                "a resource control policy (RCP) of the organization denies sts:AssumeRoleWithWebIdentity on \(arn):"
                + " \(Self.organization)"
        }
        if says("service control policy") {
            return
                "a service control policy (SCP) of the organization denies it: \(Self.organization)"
        }
        if says("vpc endpoint policy") {
            return
                "the policy of the VPC endpoint for STS, by which this machine reaches AWS, does not allow it: have"
                + " sts:AssumeRoleWithWebIdentity on \(arn) allowed in it (aws ec2 modify-vpc-endpoint --policy-document),"
                + " for the principal *"
        }
        if says("permissions boundary") {
            return
                "a permissions boundary denies it: see the one of the role, aws iam get-role --role-name \(name)"
                + " (PermissionsBoundary), and have it allow this"
        }
        if says("session policy", "identity-based policy") {
            return
                "a policy of the identity that calls denies it: whoever administers the AWS account \(role.account) must take"
                + " that denial out, as the text above names it"
        }
        guard says("explicit deny") else { return nil }
        return
            "the role's trust policy has a statement with \"Effect\": \"Deny\" that fits this token (aws iam get-role"
            + " --role-name \(name)): take it out, or except iss \(issuer), sub \(subject), aud \(audience) from it"
    }

    private var arn: String { role.arn.printable }

    /// Which trust policy the role must have.
    private var policyHint: String {
        let host = issuer.withoutScheme
        return
            "compare the role's trust policy with the token (aws iam get-role --role-name \(name)): it must allow"
            + " sts:AssumeRoleWithWebIdentity to the identity provider \(host) under conditions that hold:"
            + " \(host):sub is \(subject) and \(host):aud is \(audience)"
            + ". A role that does not exist is answered in the same way: correct roleArn then"
    }

    // MARK: The token

    private var tokenReason: String? {
        if says("thumbprint") {
            return
                "the issuer's TLS certificate is signed by another authority than the one whose thumbprint the identity provider"
                + " in IAM has, as after a change of the certificate: aws iam update-open-id-connect-provider-thumbprint"
                + " --open-id-connect-provider-arn \(providerARN) --thumbprint-list SHA1, that of the top certificate which"
                + " openssl s_client -showcerts -connect \(issuerAddress) prints"
        }
        if says("no openidconnect provider") {
            return
                "the account \(role.account) has no identity provider for \(issuer): create it there, aws iam"
                + " create-open-id-connect-provider --url \(issuer) --client-id-list \(audience); or write in roleArn"
                + " a role of the account that has it"
        }
        if says("audience") {
            return
                "the identity provider in IAM does not list the audience \(audience): add it there, aws iam"
                + " add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn \(providerARN) --client-id"
                + " \(audience) (sts.amazonaws.com is usual), or set tokenAudience to one that it lists"
        }
        if says("retrieve", "verification key", "well-known") { return unreachedHint }
        return nil
    }

    private var issuerAddress: String {
        let host = issuer.withoutScheme.prefix { $0 != "/" }
        return host.contains(":") ? String(host) : "\(host):443"
    }

    private var unreachedHint: String {
        "AWS must be able to fetch the issuer's keys from the internet:"
            + " \(issuer)/.well-known/openid-configuration, and the jwks_uri in it, within 5 s and without a login; if they are"
            + " there, the agent's next try does it"
    }

    private var claimReason: String? {
        if says("missing a required claim") {
            let claim = ["aud", "sub", "iss", "exp", "iat"].first { words.contains("claim: \($0)") }
            return
                "have the issuer put \(claim ?? "that claim") into its tokens, which AWS requires"
                + (claim == "aud" ? " (set tokenAudience to sts.amazonaws.com)" : "")
        }
        if says("not a valid jwt", "access token") {
            return
                "the source gives a token that AWS cannot read, such as an access token: have it give an OIDC ID token (a JWT),"
                + " or name another credentialSource"
        }
        if says("signature", "signed", "jwk", "key") {
            return
                "the key that signed the token is not among those that \(issuer) publishes (jwks_uri of"
                + " /.well-known/openid-configuration): publish it there with its kid, RSA of 2048 bits or ECDSA, at most 100 keys"
        }
        if says("24 hours", "too long", "lifetime") {
            return
                "the token was issued more than 24 hours ago or lives longer than AWS takes: use a source that gives a new one"
        }
        if says("expired", "not yet", "before") {
            return
                "AWS finds the token outside of its times: use a source that gives a new one, and check this machine's clock"
        }
        if says("issuer") {
            return
                "the token's iss, \(issuer), must be equal to the URL of the identity provider in IAM and to issuer in"
                + " \(issuer)/.well-known/openid-configuration, the slash at the end included"
        }
        return nil
    }

    private var providerHint: String {
        if audience != AWSRole.usualAudience {
            return
                "the token's audience is \(audience), and AWS's identity providers have"
                + " \(AWSRole.usualAudience) as a rule: leave audience and tokenAudience out, so that this is asked"
                + " for; or add \(audience) to the provider (aws iam add-client-id-to-open-id-connect-provider)."
                + " If it is there: the account \(role.account) must have a provider for \(issuer)"
        }
        return
            "compare IAM's identity providers of the account \(role.account) with the token (aws iam"
            + " list-open-id-connect-providers): one must have the URL \(issuer) and the audience \(audience)"
    }

    // MARK: The request

    private var requestReason: String? {
        switch code {
        case "ValidationError", "InvalidParameterValue", "InvalidParameterCombination",
            "MissingParameter":
            validationReason
        case "RegionDisabledException":
            "AWS's token service is not activated in this region for the account \(role.account): write another region in"
                + " region (us-east-1 is always active), or have it activated (IAM > Account settings > STS)"
        case "InvalidAction", "UnknownOperationException":
            "the endpoint is not AWS's token service, or does not know this call: leave region out or correct it, and unset"
                + " AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_STS"
        case "OptInRequired", "SubscriptionRequiredException", "NotSignedUp":
            "the AWS account \(role.account) is not signed up for this service or region: its owner must activate it, or write"
                + " another region"
        case "AccountProblem", "AccountSuspended":
            "the AWS account \(role.account) has a problem (suspended, unpaid): its owner must settle that with AWS"
        default: nil
        }
    }

    private var validationReason: String? {
        if says("durationseconds", "maxsessionduration", "session duration", "session limit") {
            return
                "durationSeconds, \(role.duration.map(String.init) ?? "not set"), is over what the role allows: leave it out or"
                + " write 3600, or have the role's maximum raised, aws iam update-role --role-name \(name)"
                + " --max-session-duration \(role.duration ?? 43_200)"
        }
        if says("rolesessionname") {
            return
                "sessionName has signs or a length that AWS does not take: 2 to 64 letters, digits and _+=,.@-"
        }
        if says("webidentitytoken") {
            return
                "the token is longer or shorter than AWS takes (4 to 20000 characters): have the issuer put fewer claims (groups)"
                + " into it"
        }
        if says("arn") {
            return
                "roleArn, \(arn), is none that this token service knows: write arn:aws:iam::ACCOUNT:role/NAME as the role's page"
                + " in IAM shows it; a role of arn:aws-us-gov or arn:aws-cn needs a region of that partition in region"
        }
        return
            "leave durationSeconds out, or write a smaller one: it may be over the role's maximum session duration; else"
            + " correct what the text names"
    }

    private var passingReason: String? {
        switch code {
        case "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded",
            "RequestThrottled", "RequestThrottledException", "TooManyRequestsException", "SlowDown":
            "AWS throttles requests of this account or address for now, and nothing is wrong with role or token: the agent"
                + " waits and tries again by itself. Ask less often: one agent that all programs read from in place of an"
                + " exchange in each, starts that are spread over some minutes, and a region in region rather than the"
                + " endpoint for all"
        case "ServiceUnavailable", "InternalFailure", "InternalError",
            "ServiceUnavailableException":
            "AWS's token service itself fails: nothing is to be changed here, the agent tries again by itself; another region"
                + " may work meanwhile (health.aws.amazon.com)"
        default: nil
        }
    }
}
