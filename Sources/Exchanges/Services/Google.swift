import Federation
import Kernel
import Text

extension Refusal {
    /// What Google's token service refuses, and what to change then.
    static let google = Vendor(
        isThere: { service in
            service.tokenURL.host.lowercased().hasSuffix("googleapis.com")
                || service.audiences.contains { $0.hasPrefix("//iam.googleapis.com/") }
        },
        rules: googlePolicies + googleTokens + googleNamed + googleCodes
    )

    /// What is true of every service that answers in these words.
    static let googleLike = googleNamed + googleCodes

    private static let googlePolicies = [
        Rule(
            "vpcservicecontrols",
            "security_policy_violated",
            "prohibited by organization's policy"
        ) {
            $0.answer.perimeterHint
        },
        Rule("service_disabled", "has not been used in project") { $0.answer.disabledHint },
        Rule("user_project_denied", "serviceusage", "to use project") { refusal in
            "the principal may not use the project that pays for its requests,"
                + " \(refusal.service.userProject?.printable ?? "see above"): grant it"
                + " roles/serviceusage.serviceUsageConsumer there, or correct workforcePoolUserProject"
        },
    ]

    private static let googleTokens = [
        Rule("audience in id token", "does not match the expected audience") {
            $0.expectedAudienceHint
        },
        Rule("issuer in id token", "issuer of the id token") { refusal in
            "the provider's issuer URI must be equal to the token's, \(refusal.issuer): correct it"
                + " (\(refusal.providerCommand("update-oidc", "--issuer-uri=\(refusal.issuer)"))), or write in audience the"
                + " provider that has this issuer"
        },
        Rule("error connecting to the given credential's issuer") { refusal in
            "Google must reach \(refusal.issuer)/.well-known/openid-configuration from the internet; for a"
                + " private issuer upload its keys (JWKS) to the provider"
                + " (\(refusal.providerCommand("update-oidc", "--jwk-json-path=jwks.json")))"
        },
        Rule("signature", "jwks", "public key", "no matching key", "verify the id token") {
            refusal in
            "Google has not the key with which the token is signed: \(refusal.issuer) must publish it at jwks_uri of its"
                + " /.well-known/openid-configuration, which Google reads anew after some minutes; where keys were uploaded"
                + " to the provider (JWKS), upload the present ones"
        },
        Rule("aws", "getcalleridentity", "caller identity") { refusal in
            refusal.claims == nil
                ? "AWS did not accept the signed request that stands for this identity, for the reason in the text: correct the"
                    + " AWS key (aws sts get-caller-identity tries it), the clock, or the region; the provider must be one of"
                    + " AWS, with this identity's account id" : nil
        },
    ]

    private static let googleNamed = [
        Rule("invalid value for \"audience\"", "invalid value for audience") {
            $0.resourceNameHint
        },
        Rule("stale", "issued at") { _ in
            "use a source that gives a new token each time, and check this machine's clock"
        },
        Rule("mapped attribute", "google.subject", "attribute mapping", "attribute_mapping") {
            $0.mappingHint
        },
        Rule("attribute condition") { refusal in
            "the token's claims do not fulfil the attribute condition of the pool's provider: compare the two"
                + " (\(refusal.providerCommand("describe", "--format='value(attributeCondition)'")) prints it, wif-agent token"
                + " the claims); sub is \(refusal.subject)"
        },
    ]

    private static let googleCodes = [
        Rule("invalid_target") { refusal in
            if let hint = refusal.projectNumberHint ?? refusal.providerHint { return hint }
            return refusal.service.name == .google
                ? "audience names a pool or provider that does not exist or is disabled: compare project"
                    + " number, pool and provider; a change takes minutes"
                : "audience or resource names a target that does not exist or is disabled: audience"
                    + " \(refusal.service.audiences.first?.printable ?? "none"), resource"
                    + " \(refusal.service.resources.first?.printable ?? "none")"
        },
        Rule("unauthorized_client") { refusal in
            refusal.service.name == .google
                ? "the provider's attribute condition rejects the token; sub is \(refusal.subject)"
                : "the client may not use this grant: allow \(refusal.service.grant.rawValue) for it at the"
                    + " service, or set clientId to another one (\(refusal.clientID))"
        },
    ]

    // MARK: The provider

    /// A command of gcloud about the provider that the account names.
    private func providerCommand(_ verb: String, _ option: String) -> String {
        let provider = GoogleProvider(service.audiences.first ?? "")
        return
            "gcloud iam workload-identity-pools providers \(verb) \(provider?.provider ?? "PROVIDER")"
            + " --location=global --workload-identity-pool=\(provider?.pool ?? "POOL")"
            + "\(provider.map { " --project=\($0.project)" } ?? "") \(option)"
    }

    /// What to do about an audience that is no provider's resource name.
    private var resourceNameHint: String {
        if let hint = projectNumberHint { return hint }
        let audience = service.audiences.first ?? ""
        for start in [
            "https://iam.googleapis.com/", "http://iam.googleapis.com/", "iam.googleapis.com/",
            "/iam.googleapis.com/",
        ]
        where audience.hasPrefix(start) {
            let name = "//iam.googleapis.com/" + audience.dropFirst(start.count)
            return
                "write \"audience\": \"\(name.printable)\", without \(start.dropLast("iam.googleapis.com/".count)) before //iam"
                .replacing("without  before //iam", with: "with // before iam")
        }
        if audience.hasPrefix("projects/") {
            return "write \"audience\": \"//iam.googleapis.com/\(audience.printable)\""
        }
        return "audience must be the provider's full resource name:"
            + " //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/"
            + "POOL/providers/PROVIDER; it is \(audience.isEmpty ? "not set" : audience.printable)"
    }

    private var expectedAudienceHint: String {
        let allow = providerCommand("update-oidc", "--allowed-audiences=\(audiences)")
        guard let wanted = told(after: "expected audience"), wanted.count > 8 else {
            return
                "the provider expects another aud than \(audiences): set tokenAudience to an allowed"
                + " audience of the provider; the default is https://iam.googleapis.com/ and the provider's"
                + " resource name; or allow it: \(allow)"
        }
        return
            "the provider takes the aud \(wanted), and the token has \(audiences): write \"tokenAudience\": \"\(wanted)\""
            + " in the account file, or add the token's to the allowed audiences: \(allow)"
    }

    /// What to do about a mapping that gives no value, or one too long.
    private var mappingHint: String {
        let words = answer.words
        let name = told(after: "mapped attribute") ?? told(after: "attribute") ?? "google.subject"
        guard words.contains("127") || words.contains("exceed") || words.contains("size") else {
            return
                "correct the provider's attribute mapping: \(name) must come to a text of 1 to 127 bytes from claims that the"
                + " token has, \((claims?.all.object ?? [:]).keys.sorted().joined(separator: ", ").printable)"
        }
        let subject = claims?.subject ?? ""
        let facts = claims.map { TokenFacts.of($0.all).claims } ?? []
        let shorter = facts.first { path in
            path.count == 1
                && (claims?.all[path[0]]?.string).map { !$0.isEmpty && $0.utf8.count <= 127 }
                    == true
        }?.first
        let other =
            shorter.map { "\(name)=assertion.\($0)" }
            ?? "\(name)=assertion.CLAIM, a claim of fewer bytes,"
        let length =
            subject.utf8.count > 127
            ? "sub has \(subject.utf8.count) bytes, and 127 are allowed: " : ""
        return
            "\(length)map \(name) from a shorter claim, such as \(other)"
            + " (\(providerCommand("update-oidc", "--attribute-mapping=\(shorter.map { "\(name)=assertion.\($0)" } ?? "...")")));"
            + " principals that are granted by their subject change with it"
    }

    /// What to do where Google knows no such provider.
    fileprivate var providerHint: String? {
        let prefix = "//iam.googleapis.com/"
        guard let audience = service.audiences.first(where: { $0.hasPrefix(prefix) }) else {
            return nil
        }
        let parts = audience.split(separator: "/").map(String.init)
        func name(behind word: String) -> String? {
            guard let mark = parts.firstIndex(of: word), parts.count > mark + 1 else { return nil }
            return parts[mark + 1].printable
        }
        guard let pool = name(behind: "workloadIdentityPools") else { return nil }
        guard let provider = name(behind: "providers") else {
            return
                "audience names the pool alone: write \(audience.printable)/providers/PROVIDER (gcloud iam"
                + " workload-identity-pools providers list --location=global --workload-identity-pool=\(pool)"
                + " prints the names)"
        }
        let project = name(behind: "projects").map { " --project=\($0)" } ?? ""
        return
            "the pool \(pool) has no provider \(provider), or one of the two is disabled or deleted, or the project"
            + " is another: compare audience with what gcloud iam workload-identity-pools providers list"
            + " --location=global --workload-identity-pool=\(pool)\(project) prints; a change takes minutes"
    }

    /// What to do where a project's id stands in a provider's resource name, which wants its number.
    fileprivate var projectNumberHint: String? {
        for audience in service.audiences {
            let parts = audience.split(separator: "/")
            guard let mark = parts.firstIndex(of: "projects"), parts.count > mark + 1 else {
                continue
            }
            let project = parts[mark + 1]
            guard !project.allSatisfy(\.isNumber) else { continue }
            let name = String(project).printable
            return
                "audience has the project's id, \(name), where its number stands: gcloud projects describe \(name)"
                + " --format='value(projectNumber)' prints it; write //iam.googleapis.com/projects/NUMBER/..."
        }
        return nil
    }
}

/// The parts of a provider's resource name.
struct GoogleProvider {
    /// All are ready to print.
    let project: String
    let pool: String
    let provider: String

    /// `nil` for what is no such name.
    init?(_ audience: String) {
        let parts = audience.split(separator: "/").map(String.init)
        guard parts.count >= 9, parts[1] == "projects", parts[5] == "workloadIdentityPools",
            parts[7] == "providers"
        else { return nil }
        (project, pool, provider) = (parts[2].printable, parts[6].printable, parts[8].printable)
    }
}

extension Answer {
    /// What to do where VPC Service Controls prohibit a request.
    var perimeterHint: String {
        let words = error?.text ?? ""
        let mark = words.firstRange(of: "vpcServiceControlsUniqueIdentifier")
        let id = mark.map {
            words[$0.upperBound...].drop { ": \"".contains($0) }
                .prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
        }.map { String($0).printable }
        let found = error?.details["uid"]?.printable ?? id
        return
            "a perimeter of VPC Service Controls prohibits the request from here; roles and the account file are not the cause:"
            + " whoever administers the organization's access policy must allow it, by an ingress rule or an access level"
            + " for this machine's address or identity (Security > VPC Service Controls)"
            + (found.map { "; the audit log has the entry under the identifier \($0)" } ?? "")
    }

    /// What to do where an API is not enabled.
    var disabledHint: String {
        let api = error?.details["service"]?.printable ?? "iamcredentials.googleapis.com"
        let words = error?.text ?? ""
        var project = error?.details["consumer"]?.split(separator: "/").last.map(String.init)
        if project == nil, let mark = words.firstRange(of: "in project ") {
            project = String(words[mark.upperBound...].prefix { !$0.isWhitespace })
        }
        return
            "enable the API in the project: gcloud services enable \(api) --project=\((project ?? "PROJECT").printable)"
            + " (the account's owner or an editor of that project can); it takes effect after some minutes"
    }
}
