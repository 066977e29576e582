import Federation

/// A platform whose workload identity is played.
enum IdentityPlatform: String, CaseIterable, Sendable {
    case gcp, azure, github, aws
    case azurePipelines = "azure-pipelines"
    case gitlab, circleci, bitbucket, terraform, buildkite, kubernetes, fly, vercel, spacelift

    /// Who signs its tokens in the real world.
    var issuerURL: String {
        switch self {
        case .gcp: "https://accounts.google.com"
        case .azure: "https://sts.windows.net/\(azureTenant)/"
        case .github: "https://token.actions.githubusercontent.com"
        case .aws: "https://1f0e2d3c-4b5a-4968-8776-a5b4c3d2e1f0.tokens.sts.global.api.aws"
        default: jobIssuerURL
        }
    }

    /// How long its tokens live, in seconds.
    var tokenLifetime: Int64 {
        switch self {
        case .azurePipelines, .fly: 600
        case .buildkite: 300
        case .azure: 86_400
        case .github, .aws: 300
        default: 3600
        }
    }

    /// Who the workload is there, apart from what changes with each token.
    var claims: [String: JSON] {
        switch self {
        case .gcp: gcpClaims
        case .azure: azureClaims
        case .github: gitHubClaims
        case .aws: amazonClaims
        default: jobClaims
        }
    }
}

private let gcpAccount = "112233445566778899000"
private let azureTenant = "7d0a3c1e-5b2f-4a6d-9c8e-0123456789ab"
private let azurePrincipal = "2f9d1c4b-8e7a-4d3c-b6a5-89abcdef0123"

private let gcpClaims: [String: JSON] = [
    "sub": .string(gcpAccount), "azp": .string(gcpAccount),
    "email": "workload@acme-prod.iam.gserviceaccount.com", "email_verified": true,
    "google": [
        "compute_engine": [
            "project_id": "acme-prod", "project_number": 123_456_789_012,
            "zone": "europe-west3-a", "instance_id": "1234567890123456789",
            "instance_name": "vm-1", "instance_creation_timestamp": 1_700_000_000,
            "instance_confidentiality": 0,
        ]
    ],
]

private let azureClaims: [String: JSON] = [
    "sub": .string(azurePrincipal), "oid": .string(azurePrincipal), "tid": .string(azureTenant),
    "idp": .string("https://sts.windows.net/\(azureTenant)/"),
    "appid": "5c6b7a89-1d2e-4f30-a1b2-c3d4e5f60718", "appidacr": "2", "ver": "1.0",
    "xms_mirid":
        "/subscriptions/9e8d7c6b-5a49-4382-b716-05f4e3d2c1b0/resourcegroups/acme/providers/Microsoft.ManagedIdentity/userAssignedIdentities/workload",
]

private let amazonClaims: [String: JSON] = [
    "https://sts.amazonaws.com/": [
        "aws_account": .string(AWSAccount.number), "source_region": "eu-central-1",
        "org_id": "o-exampleorgid", "principal_tags": ["team": "red"],
    ]
]

private let gitHubClaims: [String: JSON] = [
    "sub": "repo:acme/app:ref:refs/heads/main", "repository": "acme/app",
    "repository_id": "123456789", "repository_owner": "acme", "repository_owner_id": "987654",
    "repository_visibility": "private", "ref": "refs/heads/main", "ref_type": "branch",
    "ref_protected": "true", "sha": "4d3c2b1a09f8e7d6c5b4a3928170f6e5d4c3b2a1",
    "workflow": "scan", "workflow_ref": "acme/app/.github/workflows/scan.yml@refs/heads/main",
    "workflow_sha": "4d3c2b1a09f8e7d6c5b4a3928170f6e5d4c3b2a1",
    "job_workflow_ref": "acme/app/.github/workflows/scan.yml@refs/heads/main",
    "run_id": "10203040506", "run_number": "7", "run_attempt": "1", "actor": "octo",
    "actor_id": "4242", "event_name": "push", "base_ref": "", "head_ref": "",
    "runner_environment": "github-hosted",
]
