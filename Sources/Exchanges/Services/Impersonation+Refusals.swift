import Federation
import Kernel
import Text

/// What Google's IAM credentials API answers in place of a service account's token, held against its
/// documented reasons (`google.api.ErrorReason`, and those of IAM), and what to change then.
struct ImpersonationRefusal {
    let answer: Answer
    let impersonation: TokenExchangeService.Impersonation
    let service: TokenExchangeService
    let claims: TokenClaims?

    /// What to change.
    var hint: String {
        policyHint ?? projectHint ?? requestHint ?? accountHint ?? permissionHint
            ?? "\(place) did not say what is wrong: look for the request in the audit log of the project of \(email) (IAM"
            + " Service Account Credentials API, GenerateAccessToken), and compare"
            + " service_account_impersonation_url and scopes"
    }

    /// What to do about an answer that may pass; `nil` where its status says as much.
    var passingHint: String? {
        says("rate_limit_exceeded", "quota", "resource_exhausted") ? Refusal.rateHint : nil
    }

    private var place: String { impersonation.url.host.printable }

    /// The service account's, as the URL names it.
    private var email: String {
        guard let mark = impersonation.url.url.firstRange(of: "/serviceAccounts/") else {
            return "the service account"
        }
        return String(impersonation.url.url[mark.upperBound...].prefix { $0 != ":" }).printable
    }

    private func says(_ words: String...) -> Bool { words.contains(where: answer.words.contains) }

    private var policyHint: String? {
        if says(
            "vpcservicecontrols",
            "security_policy_violated",
            "prohibited by organization's policy"
        ) {
            return answer.perimeterHint
        }
        if says("allowserviceaccountcredentiallifetimeextension") { return lifetimeHint }
        if says("org_restriction", "organization restriction") {
            return
                "an organization restriction (the header X-Goog-Allowed-Resources, which a proxy on the way adds) forbids this"
                + " service account's organization: whoever runs that proxy must allow it there"
        }
        if says("org policy", "organization policy", "constraints/", "location_policy_violated") {
            return
                "a policy of the organization forbids it, as the text says: whoever administers the organization must make an"
                + " exception for the project of \(email) (IAM & Admin > Organization Policies); the account file is not the"
                + " cause"
        }
        return nil
    }

    private var projectHint: String? {
        if says("service_disabled", "has not been used in project", "it is disabled. enable it") {
            return answer.disabledHint
        }
        if says("billing_disabled", "requires billing") {
            return
                "the project of \(email) has no active billing: have its owner link a billing account to it"
        }
        if says("consumer_suspended", "consumer_invalid", "project_deleted", "has been suspended") {
            return
                "the project of \(email) is suspended or deleted: its owner must restore it, or name a service account of"
                + " another project in service_account_impersonation_url"
        }
        if says("user_project_denied", "serviceusage.services.use") {
            return
                "the principal may not use the project that pays for the request: grant it"
                + " roles/serviceusage.serviceUsageConsumer there (\(principal))"
        }
        return nil
    }

    private static let longest = 3600

    private var lifetimeHint: String {
        "service_account_impersonation.token_lifetime_seconds is \(impersonation.lifetime), and more than \(Self.longest) are"
            + " given only where the organization allows it: write 3600 or less, or leave it out; or have \(email) added to"
            + " the organization policy constraints/iam.allowServiceAccountCredentialLifetimeExtension"
    }

    private var requestHint: String? {
        if says("lifetime") { return lifetimeHint }
        let cloud = "https://www.googleapis.com/auth/cloud-platform"
        if says("access_token_scope_insufficient", "insufficient authentication scopes") {
            return
                "the federated token lacks the scope for this: leave scopes out, or write \"scopes\": [\"\(cloud)\"]"
        }
        if says("scope") {
            return
                "scopes has a value that Google does not know,"
                + " \(impersonation.scopes.joined(separator: " ").printable): write whole URLs, such as \(cloud)"
        }
        if says("access_token_expired", "access_token_type_unsupported", "unauthenticated") {
            return
                "Google did not take the federated token that it had given a moment before: check this machine's clock, and"
                + " that service_account_impersonation_url is https://iamcredentials.googleapis.com/..., which takes it"
        }
        guard says("invalid_argument", "invalid argument") else { return nil }
        if impersonation.lifetime > Self.longest { return lifetimeHint }
        if let odd = impersonation.scopes.first(where: { !$0.hasPrefix("https://") }) {
            return
                "scopes has \(odd.printable), which is no URL of a scope: write whole ones, such as \(cloud)"
        }
        return
            "a part of the request is not valid: compare the e-mail in service_account_impersonation_url, \(email), and scopes,"
            + " \(impersonation.scopes.joined(separator: " ").printable)"
    }

    private var accountHint: String? {
        if says("account_state_invalid", "service_account_disabled")
            || (says("disabled") && says("service account"))
        {
            return
                "the service account \(email) is disabled: have it enabled, gcloud iam service-accounts enable \(email)"
        }
        guard says("not found", "not_found", "unknown service account", "does not exist"),
            !says("may not exist")
        else { return nil }
        return
            "there is no service account \(email): correct the e-mail in service_account_impersonation_url (gcloud iam"
            + " service-accounts list\(project) shows those that exist), or create it anew and then grant this workload"
            + " roles/iam.workloadIdentityUser on it"
    }

    /// An option of gcloud's with the project that the e-mail names.
    private var project: String {
        let parts = email.split(separator: "@")
        guard parts.count == 2, let name = parts[1].split(separator: ".").first,
            parts[1].hasSuffix(".iam.gserviceaccount.com")
        else { return "" }
        return " --project=\(name)"
    }

    /// What IAM calls this workload, where the provider maps `sub`.
    private var principal: String {
        guard let provider = GoogleProvider(service.audiences.first ?? "") else {
            return
                "principal://iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/subject/SUB"
        }
        return
            "principal://iam.googleapis.com/projects/\(provider.project)/locations/global/workloadIdentityPools/\(provider.pool)"
            + "/subject/\(claims?.subject?.printable ?? "SUB")"
    }

    private var permissionHint: String? {
        guard says("permission", "denied", "forbidden") else { return nil }
        let wanted = answer.error?.details["permission"] ?? quotedPermission
        if let wanted, !wanted.hasSuffix("getAccessToken"), !wanted.hasSuffix("getOpenIdToken") {
            return
                "the principal lacks the permission \(wanted.printable): grant it a role that has it (\(principal))"
        }
        return
            "grant this workload the role (a change takes minutes; a wrong e-mail in the URL is answered alike): gcloud iam"
            + " service-accounts add-iam-policy-binding \(email)\(project) --role=roles/iam.workloadIdentityUser"
            + " --member=\"\(principal)\""
    }

    private var quotedPermission: String? {
        guard let text = answer.error?.text, let mark = text.firstRange(of: "Permission '") else {
            return nil
        }
        return String(text[mark.upperBound...].prefix { $0 != "'" })
    }
}
