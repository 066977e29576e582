import Kernel
import Testing

@testable import Federation

@Suite struct `A token platform` {
    /// Whose variables they are, and all that a job may carry of them.
    static let variables: [TokenPlatform: Set<String>] = [
        .gcp: [
            "GCE_METADATA_HOST", "GCE_METADATA_ROOT", "NO_GCE_CHECK", "K_SERVICE", "CLOUD_RUN_JOB",
            "FUNCTION_TARGET",
        ],
        .azure: [
            "AZURE_POD_IDENTITY_AUTHORITY_HOST", "MSI_ENDPOINT", "MSI_SECRET", "IDENTITY_ENDPOINT",
            "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "AZURE_CLIENT_ID",
            "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE",
        ],
        .github: [
            "GITHUB_ACTIONS", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        ],
        .azurePipelines: ["SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN", "TF_BUILD"],
        .gitlab: ["GITLAB_CI", "GITLAB_OIDC_TOKEN"],
        .circleci: ["CIRCLECI", "CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2", "CIRCLE_*"],
        .bitbucket: ["BITBUCKET_STEP_OIDC_TOKEN", "BITBUCKET_BUILD_NUMBER"],
        .terraform: [
            "TFC_RUN_ID", "TFC_WORKLOAD_IDENTITY_TOKEN", "TFC_WORKLOAD_IDENTITY_TOKEN*",
        ],
        .buildkite: ["BUILDKITE", "BUILDKITE_JOB_ID", "BUILDKITE_AGENT_*"],
        .fly: ["FLY_APP_NAME", "FLY_MACHINE_ID"],
        .vercel: ["VERCEL", "VERCEL_OIDC_TOKEN"],
        .spacelift: ["SPACELIFT_OIDC_TOKEN"],
        .codefresh: ["CF_BUILD_ID", "CF_OIDC_REQUEST_URL", "CF_OIDC_REQUEST_TOKEN"],
        .kubernetes: ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"],
        .aws: [
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
            "AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE",
            "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_DEFAULT_REGION",
            "AWS_STS_REGIONAL_ENDPOINTS", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
            "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "AWS_IMDS_USE_IPV6", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_CA_BUNDLE",
            "ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI",
        ],
        .spiffe: ["SPIFFE_ENDPOINT_SOCKET"],
    ]

    @Test(arguments: TokenPlatform.allCases)
    func `hands on its own variables and no others`(platform: TokenPlatform) throws {
        let expected = try #require(Self.variables[platform])
        #expect(Set(platform.facts.variables) == expected)
        for name in expected {
            let example = name.hasSuffix("*") ? name.dropLast() + "X" : name
            #expect(Job.isAllowed(variable: example), "\(example)")
        }
    }

    @Test func `stands in auto's order`() {
        #expect(
            TokenPlatform.allCases.map(\.rawValue) == [
                "gcp", "azure", "github", "azure-pipelines", "gitlab", "circleci", "bitbucket",
                "terraform", "buildkite", "fly", "vercel", "spacelift", "codefresh",
                "kubernetes", "aws", "spiffe",
            ]
        )
    }

    @Test(arguments: TokenPlatform.allCases)
    func `is known by its sources`(platform: TokenPlatform) throws {
        let source = platform.plainSource ?? .spiffe(.file(path: "/svid"))
        guard case .platform(platform) = source.kind else {
            Issue.record("\(source.kind)")
            return
        }
        #expect(source.name == platform.rawValue)
    }

    // A worker that may read files as root can read any; it is given that only where it is needed.
    @Test(arguments: [
        ("nothing", [:], false),
        ("a region, which is no sign", ["AWS_REGION": "eu-central-1"], false),
        ("no instance to be asked", ["AWS_EC2_METADATA_DISABLED": "true"], false),
        ("a profile", ["AWS_PROFILE": "a"], false),
        ("a port alone", ["KUBERNETES_SERVICE_PORT": "443"], false),
        ("a key", ["AWS_ACCESS_KEY_ID": "AKIA"], true),
        ("a token's file", ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token"], true),
        ("a pod", ["KUBERNETES_SERVICE_HOST": "10.0.0.1"], true),
        ("a run", ["SPACELIFT_OIDC_TOKEN": "a"], true),
        ("an empty sign", ["KUBERNETES_SERVICE_HOST": ""], false),
    ])
    func `of auto read files where their signs are there`(
        name: String,
        environment: [String: String],
        readsFiles: Bool
    ) {
        #expect(TokenSource.automatic.readsFiles(in: environment) == readsFiles, "\(name)")
    }

    @Test func `says what its sources need of a worker`() {
        let sources = TokenPlatform.allCases.compactMap(\.plainSource)
        #expect(sources.filter { $0.connectsUnixSocket(in: [:]) }.map(\.name) == ["fly", "spiffe"])
        #expect(
            sources.filter { $0.readsFiles(in: [:]) }.map(\.name)
                == ["spacelift", "kubernetes", "aws"]
        )
        #expect(
            sources.filter { $0.runsPrograms(in: [:]) }.map(\.name) == ["circleci", "buildkite"]
        )
        #expect(TokenSource.environment(name: "X").namedVariable == "X")
        #expect(sources.compactMap(\.namedVariable) == ["GITLAB_OIDC_TOKEN"])
        #expect(TokenSource.spiffe(.file(path: "/svid")).rotatingFile?.path == "/svid")
        #expect(TokenSource.kubernetes(.file(path: "/t")).rotatingFile?.path == "/t")
        #expect(sources.allSatisfy { $0.rotatingFile == nil })
    }
}
