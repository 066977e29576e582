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

    private var hint: String? {
        switch code {
        case "AccessDenied":
            "have the role's trust policy, and the caller's own policy, allow the call to the caller (aws sts"
                + " get-caller-identity shows who that is)"
        case "ExpiredTokenException", "ExpiredToken":
            "the session of the key or the token used for the call has ended: start a new"
                + " session, or use keys that are renewed, such as those of a role of the machine"
        case "InvalidIdentityToken":
            "make the token's issuer an identity provider of the role's account, with the token's audience (aws iam"
                + " list-open-id-connect-providers shows those that there are)"
        case "InvalidClientTokenId":
            "the key is not known there, because it is disabled, deleted or of another partition (aws iam"
                + " list-access-keys tells): take another, or remove it, so that the machine's own role is used"
        case "RegionDisabledException":
            "activate the region for the AWS account, or set credentialSource.region (or"
                + " AWS_REGION) to another"
        case "OutboundWebIdentityFederationDisabledException",
            "OutboundWebIdentityFederationDisabled":
            "an administrator must enable outbound web identity federation for the account"
                + " (iam:EnableOutboundWebIdentityFederation)"
        case "SessionDurationEscalationException":
            "the caller's own session ends before the token would; it must last 10 minutes more"
        case "JWTPayloadSizeExceededException": "the principal has too many tags for a token"
        case "SignatureDoesNotMatch" where isSkew:
            "set this machine's clock (timedatectl, chronyc tracking): AWS takes signatures of the last minutes alone"
        case "SignatureDoesNotMatch":
            "the secret key does not belong to the key id: copy both from one access key once more"
                + " (AWS_SECRET_ACCESS_KEY, or aws_secret_access_key of the profile)"
        default: nil
        }
    }
}
