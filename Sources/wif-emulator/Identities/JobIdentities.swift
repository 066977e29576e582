import Federation

extension IdentityPlatform {
    /// Those that are played unless told otherwise: `auto` asks them everywhere, and each has an
    /// endpoint of its own. The variables of the others would make a workload take itself for a job.
    static let usual: [IdentityPlatform] = allCases.filter { !jobs.contains($0) }

    /// CI systems and the like.
    static let jobs: [IdentityPlatform] = [
        .azurePipelines, .gitlab, .circleci, .bitbucket, .terraform, .buildkite, .kubernetes, .fly,
        .vercel, .spacelift,
    ]

    /// Who signs a job's tokens.
    var jobIssuerURL: String {
        switch self {
        case .azurePipelines: "https://vstoken.dev.azure.com/\(jobOrganisation)"
        case .gitlab: "https://gitlab.com"
        case .circleci: "https://oidc.circleci.com/org/\(jobOrganisation)"
        case .bitbucket:
            "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc"
        case .terraform: "https://app.terraform.io"
        case .buildkite: "https://agent.buildkite.com"
        case .kubernetes: "https://oidc.eks.eu-central-1.amazonaws.com/id/\(jobCluster)"
        case .fly: "https://oidc.fly.io/acme"
        case .vercel: "https://oidc.vercel.com/acme"
        case .spacelift: "https://acme.app.spacelift.io"
        default: ""
        }
    }

    /// Who the job is, apart from what changes with each token. `aud` stands where it is fixed.
    var jobClaims: [String: JSON] {
        switch self {
        case .azurePipelines:
            ["sub": "p://acme/app/scan", "aud": "api://AzureADTokenExchange", "rpo_ref": "main"]
        case .gitlab: gitLabClaims
        case .circleci: circleClaims
        case .bitbucket:
            [
                "sub": "{3b1e}:{9c0d}", "aud": "ari:cloud:bitbucket::workspace/7f2a",
                "branchName": "main",
            ]
        case .terraform: terraformClaims
        case .buildkite:
            [
                "sub": "organization:acme:pipeline:app:ref:refs/heads/main:commit:4d3c:step:scan",
                "organization_slug": "acme", "pipeline_slug": "app",
            ]
        case .kubernetes: kubernetesClaims
        case .fly: ["sub": "acme:app:machine-1", "app_name": "app", "org_name": "acme"]
        case .vercel:
            [
                "sub": "owner:acme:project:app:environment:production",
                "aud": "https://vercel.com/acme", "environment": "production",
            ]
        case .spacelift:
            [
                "sub": "space:root:stack:app:run_type:TRACKED:scope:write",
                "aud": "acme.app.spacelift.io", "spaceId": "root",
            ]
        default: [:]
        }
    }
}

/// An organisation's id at CircleCI and Azure DevOps.
let jobOrganisation = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
private let jobCluster = "0123456789ABCDEF0123456789ABCDEF"

private let gitLabClaims: [String: JSON] = [
    "sub": "project_path:acme/app:ref_type:branch:ref:main", "project_path": "acme/app",
    "namespace_path": "acme", "ref": "main", "ref_type": "branch", "ref_protected": "true",
    "pipeline_source": "push", "runner_environment": "gitlab-hosted",
]

private let circleClaims: [String: JSON] = [
    "sub": .string("org/\(jobOrganisation)/project/77aa/user/88bb"),
    "aud": .string(jobOrganisation), "oidc.circleci.com/project-id": "77aa",
    "oidc.circleci.com/vcs-ref": "refs/heads/main", "oidc.circleci.com/ssh-rerun": false,
]

private let terraformClaims: [String: JSON] = [
    "sub": "organization:acme:project:Default Project:workspace:app:run_phase:apply",
    "terraform_organization_name": "acme", "terraform_workspace_name": "app",
    "terraform_run_phase": "apply",
]

private let kubernetesClaims: [String: JSON] = [
    "sub": "system:serviceaccount:acme:scan",
    "kubernetes.io": [
        "namespace": "acme", "pod": ["name": "scan-0", "uid": "5c6b"],
        "serviceaccount": ["name": "scan", "uid": "7a89"],
    ],
]
