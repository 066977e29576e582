internal import Federation

/// What is known of the tokens of an identity provider: how its subject is built, and which claims say
/// which workload it is.
struct KnownIssuer {
    enum Subject {
        /// The same for every token of the workload.
        case stable
        /// Goes on with something that changes after the last of these.
        case stableUpTo([String])
    }

    let name: String
    let subject: Subject
    /// Paths of claims worth pinning, the most telling first; those that a token lacks are passed over.
    let claims: [[String]]

    init(_ name: String, subject: Subject = .stable, claims: [[String]]) {
        (self.name, self.subject, self.claims) = (name, subject, claims)
    }

    static func of(_ claims: JSON) -> KnownIssuer {
        let issuer = claims["iss"]?.string ?? ""
        let subject = claims["sub"]?.string ?? ""
        let host =
            issuer.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first ?? ""
        switch host {
        case "oidc.circleci.com": return circleCI
        case "api.bitbucket.org": return bitbucket
        case "accounts.google.com": return google
        case "sts.windows.net", "login.microsoftonline.com": return azure
        case "agent.buildkite.com": return buildkite
        case _ where host.hasPrefix("token.actions.") || issuer.hasSuffix("/_services/token"):
            return gitHub
        case _ where host.hasSuffix(".tokens.sts.global.api.aws"): return aws
        case _ where claims["terraform_workspace_id"] != nil: return terraform
        case _ where claims["kubernetes.io"] != nil: return kubernetes
        case _ where subject.hasPrefix("system:serviceaccount:"): return kubernetes
        case _ where claims["project_path"] != nil && claims["ref_type"] != nil: return gitLab
        default: return other
        }
    }

    private static let gitHub = KnownIssuer(
        "GitHub Actions",
        claims: [["repository"], ["environment"], ["ref"], ["repository_id"]]
    )
    private static let gitLab = KnownIssuer(
        "GitLab CI/CD",
        claims: [
            ["project_path"], ["environment"], ["ref_type"], ["ref"], ["ref_protected"],
            ["project_id"],
        ]
    )
    private static let circleCI = KnownIssuer(
        "CircleCI",
        subject: .stableUpTo(["/user/"]),
        claims: [
            ["oidc.circleci.com/project-id"], ["oidc.circleci.com/vcs-origin"],
            ["oidc.circleci.com/vcs-ref"],
        ]
    )
    private static let bitbucket = KnownIssuer(
        "Bitbucket Pipelines",
        subject: .stableUpTo([":"]),
        claims: [
            ["repositoryUuid"], ["workspaceUuid"], ["deploymentEnvironmentUuid"], ["branchName"],
        ]
    )
    private static let google = KnownIssuer(
        "Google Cloud",
        claims: [["email"], ["google", "compute_engine", "project_id"]]
    )
    private static let azure = KnownIssuer(
        "Microsoft Entra ID",
        claims: [["tid"], ["oid"], ["xms_mirid"]]
    )
    private static let aws = KnownIssuer(
        "AWS IAM outbound federation",
        claims: [
            ["https://sts.amazonaws.com/", "aws_account"],
            ["https://sts.amazonaws.com/", "org_id"],
        ]
    )
    private static let terraform = KnownIssuer(
        "HCP Terraform",
        subject: .stableUpTo([":run_phase:"]),
        claims: [
            ["terraform_organization_name"], ["terraform_project_name"],
            ["terraform_workspace_name"], ["terraform_workspace_id"],
        ]
    )
    private static let buildkite = KnownIssuer(
        "Buildkite",
        subject: .stableUpTo([":commit:"]),
        claims: [["organization_slug"], ["pipeline_slug"], ["build_branch"]]
    )
    private static let kubernetes = KnownIssuer(
        "Kubernetes",
        claims: [
            ["kubernetes.io", "namespace"], ["kubernetes.io", "serviceaccount", "name"],
            ["kubernetes.io", "serviceaccount", "uid"],
        ]
    )
    private static let other = KnownIssuer(
        "an issuer that is not known here",
        claims: [
            ["organization"], ["org_id"], ["repository"], ["project"], ["project_id"],
            ["environment"], ["pipeline"], ["workflow"], ["ref"], ["email"],
        ]
    )

    /// The subject, or the part of it that stays the same; whether it is the whole.
    func stableSubject(_ subject: String) -> (text: String, isWhole: Bool) {
        guard case .stableUpTo(let marks) = subject.isEmpty ? .stable : self.subject else {
            return (subject, true)
        }
        for mark in marks {
            if let end = subject.endOfLast(mark) { return (String(subject[..<end]), false) }
        }
        return (subject, true)
    }
}

extension String {
    /// Where the last occurrence of a text ends.
    fileprivate func endOfLast(_ part: String) -> Index? {
        indices.last { self[$0...].hasPrefix(part) }.map { index($0, offsetBy: part.count) }
    }
}
