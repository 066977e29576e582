import Federation
import Text

/// A refusal by AWS's token service.
struct STSError: Equatable {
    let status: Int
    /// `AccessDenied`, …; `nil` where the reply is none of the service's.
    let code: String?
    let message: String?

    /// Whether the request's date is too far from the service's clock.
    var isSkew: Bool {
        switch code {
        case "RequestExpired", "RequestTimeTooSkewed": true
        case "SignatureDoesNotMatch", "InvalidSignatureException":
            message?.hasPrefix("Signature expired") == true
                || message?.hasPrefix("Signature not yet current") == true
        default: false
        }
    }

    private static let throttling: Set<String> = [
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
        "RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded",
        "BandwidthLimitExceeded", "SlowDown", "PriorRequestNotComplete",
        "TransactionInProgressException",
    ]

    func sourceError(at place: String, retryAfter: Double?) -> SourceError {
        var error = SourceError(
            .noSource,
            "status \(status)\(text)",
            at: place,
            hint: hint,
            retryAfter: retryAfter
        )
        error.code = code
        error.isCertain = policyHint != nil || tokenHint != nil
        if status == 429 || code.map(Self.throttling.contains) == true {
            error.class = .throttled
            error.retry = .growing(from: 1)
        } else if isPassing(status) || code == "IDPCommunicationError" {
            error.class = .transient
            error.retry = .growing(from: 1)
        } else if ["ExpiredTokenException", "InvalidIdentityToken"].contains(code) {
            error.isStale = true
        } else if ["ValidationError", "RegionDisabledException"].contains(code) {
            error.class = .misconfigured
        }
        return error
    }

    private var text: String {
        guard let code else { return "" }
        // Some messages repeat what was sent.
        let said = message.map { $0.contains("eyJ") ? "(message not shown)" : $0.printable }
        return ": " + [code.printable, said].compactMap(\.self).joined(separator: ": ")
    }

    /// What is wrong with a token of an OIDC issuer, as AWS names it; `nil` where it does not.
    private var tokenHint: String? {
        guard code == "InvalidIdentityToken", let words = message?.lowercased() else { return nil }
        let provider = "the identity provider in IAM (aws iam list-open-id-connect-providers)"
        if words.contains("thumbprint") {
            return
                "the issuer's TLS certificate is of another authority than the one that \(provider) has the thumbprint of: aws iam"
                + " update-open-id-connect-provider-thumbprint with that of the present one"
        }
        if words.contains("audience") {
            return
                "\(provider) does not list the token's audience: add it, aws iam add-client-id-to-open-id-connect-provider, or"
                + " have the token made for one that it lists (sts.amazonaws.com is usual)"
        }
        if words.contains("no openidconnect provider") {
            return
                "the role's account has no identity provider for the token's issuer: aws iam create-open-id-connect-provider"
                + " --url ISSUER --client-id-list sts.amazonaws.com (eksctl utils associate-iam-oidc-provider on EKS)"
        }
        return words.contains("retrieve")
            ? "AWS must be able to fetch the issuer's /.well-known/openid-configuration and its keys from the internet"
            : nil
    }

    private var said: String { message ?? "" }

    /// The action that a denial names.
    private var action: String? {
        said.firstRange(of: "perform: ").map {
            String(said[$0.upperBound...].prefix { !$0.isWhitespace }).printable
        }
    }

    /// Which policy denies the call, where AWS names one.
    private var policyHint: String? {
        guard code == "AccessDenied" else { return nil }
        let words = said.lowercased()
        let call = action ?? "the call"
        if words.contains("service control policy") || words.contains("resource control policy") {
            return
                "a policy of the AWS organization denies \(call): whoever runs the organization (its management account) must"
                + " make an exception; the role's own policies are not the cause"
        }
        if words.contains("permissions boundary") {
            return
                "the permissions boundary of the caller must allow \(call): whoever administers the account can change it"
        }
        return words.contains("vpc endpoint policy")
            ? "the policy of the VPC endpoint for STS must allow \(call): aws ec2 modify-vpc-endpoint"
            : nil
    }

    /// What a denial leads to, where AWS names no policy.
    private var denialHint: String {
        let call = action ?? "the call"
        if let policyHint { return policyHint }
        guard let action, action == "sts:GetWebIdentityToken" else {
            return
                "the role's trust policy and the caller's own policy must allow \(call): see both (aws iam get-role)"
        }
        return
            "the caller above needs a policy that allows \(action) on *: attach one to its role (aws iam put-role-policy)"
    }

    private var hint: String? {
        switch code {
        case "AccessDenied": denialHint
        case "ExpiredTokenException", "ExpiredToken":
            "the session of the key or the token used for the call has ended: start a new"
                + " session, or use keys that are renewed, such as those of a role of the machine"
        case "InvalidIdentityToken":
            tokenHint
                ?? "make the token's issuer an identity provider of the role's account, with the token's audience (aws iam"
                + " list-open-id-connect-providers)"
        case "InvalidClientTokenId":
            "the key is not known there: it is disabled, deleted or of another partition (China, GovCloud), or lacks its session"
                + " token: set an active one (aws iam list-access-keys shows them)"
        case "RegionDisabledException":
            "activate the region for the AWS account, or set credentialSource.region (or"
                + " AWS_REGION) to another"
        case "OutboundWebIdentityFederationDisabledException",
            "OutboundWebIdentityFederationDisabled":
            "an administrator of the AWS account must enable outbound web identity federation: aws iam"
                + " enable-outbound-web-identity-federation, or IAM > Account settings in the console"
                + " (iam:EnableOutboundWebIdentityFederation); the account's issuer, which it then shows, is what the"
                + " service must trust"
        case "SessionDurationEscalationException":
            "the caller's own session ends before the token would: renew it, so that it lasts 10 minutes more"
        case "JWTPayloadSizeExceededException":
            "the principal has too many tags for a token: take tags off it, which whoever administers the AWS account can"
        case "SignatureDoesNotMatch" where isSkew:
            "synchronise this machine's clock (timedatectl, chronyc tracking)"
        case "SignatureDoesNotMatch":
            "the secret key does not belong to the key id: copy both from one access key once more"
                + " (AWS_SECRET_ACCESS_KEY, or aws_secret_access_key of the profile)"
        default: nil
        }
    }
}
