import Federation
import Kernel
import Text

extension Refusal {
    /// What octo-sts answers, as its source has it: gRPC codes with a message.
    static let octoSTS = Vendor(
        isThere: { service in
            service.tokenURL.host.contains("octo-sts")
                || service.tokenURL.url.hasSuffix("/sts/exchange")
        },
        rules: [
            Rule("unable to find trust policy") { refusal in
                let identity = refusal.parameter("identity") ?? "none"
                if identity.hasSuffix(".sts.yaml") {
                    let name = identity.dropLast(".sts.yaml".count)
                    return
                        "write \"identity\": \"\(name)\" in parameters: octo-sts puts .sts.yaml behind the name itself, and so"
                        + " looked for \(identity).sts.yaml"
                }
                if identity.contains("/") {
                    return
                        "parameters.identity is \(identity), and a name without folders is wanted: write the file's name in"
                        + " .github/chainguard, without .sts.yaml"
                }
                return
                    "\(refusal.scope) has no file .github/chainguard/\(identity).sts.yaml on its default branch, by which octo-sts"
                    + " trusts a token: correct parameters.identity to the name of one that is there (without .sts.yaml),"
                    + " correct parameters.scope (OWNER/REPOSITORY), or merge that file"
            },
            Rule(
                "unable to parse trust policy",
                "unable to compile trust policy",
                "unable to read trust policy"
            ) { refusal in
                "the trust policy .github/chainguard/\(refusal.parameter("identity") ?? "NAME").sts.yaml of \(refusal.scope) is"
                    + " there and not valid: correct its YAML (issuer, subject or subject_pattern, permissions) on the"
                    + " default branch"
            },
            Rule("no installation found", "not installed", "no github app configured") { refusal in
                "the GitHub App of octo-sts is not installed for \(refusal.told(after: "found for") ?? refusal.scope): an"
                    + " owner of the organization must install it (https://github.com/apps/octo-sts) and give it the"
                    + " repository; or correct the owner in parameters.scope"
            },
            Rule("did not match", "does not match", "trust policy") { refusal in
                "the token does not fit .github/chainguard/\(refusal.parameter("identity") ?? "NAME").sts.yaml of"
                    + " \(refusal.scope): it must have issuer: \(refusal.issuer), subject: \(refusal.subject) (or a"
                    + " subject_pattern), and audience: \(refusal.audiences) where it names one\(refusal.subjectNote)"
            },
            Rule("scope must be provided") { _ in
                "write \"parameters\": {\"scope\": \"OWNER/REPOSITORY\", \"identity\": \"NAME\"} in the account file"
            },
            Rule("identity must be provided") { _ in
                "write \"identity\" in parameters: the name of the trust policy in .github/chainguard, without .sts.yaml"
            },
            Rule("multiple scopes") { _ in
                "write one OWNER/REPOSITORY in parameters.scope; further repositories are named in the trust policy"
            },
            Rule("unable to verify bearer token") { refusal in
                "octo-sts could not verify the token: its aud, \(refusal.audiences), must be \(refusal.place) where the policy"
                    + " names none (\"tokenAudience\": \"\(refusal.place)\"), it must not have expired, and"
                    + " \(refusal.issuer)/.well-known/openid-configuration must be reachable from the internet"
            },
            Rule("unable to fetch or create the provider", "invalid issuer") { refusal in
                "octo-sts must reach \(refusal.issuer)/.well-known/openid-configuration from the internet, over https: publish"
                    + " it, or use a source whose issuer is public"
            },
            Rule("statusunprocessableentity", "failed to get token") { refusal in
                "GitHub gives octo-sts no token with the permissions of the trust policy: .sts.yaml of \(refusal.scope) must ask"
                    + " for no more than the App was granted, and for repositories that are in its installation alone"
            },
            Rule("rate limit") { _ in rateHint },
        ]
    )

    private var scope: String { parameter("scope") ?? "parameters.scope" }
}
