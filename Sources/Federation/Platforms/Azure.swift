extension PlatformFacts {
    /// Azure: virtual machines, App Service, Arc, and Kubernetes with workload identity.
    static let azure = PlatformFacts(
        signs: [
            .variable("AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_HEADER", "MSI_SECRET"),
            .override(["IDENTITY_ENDPOINT"]), .file(AzureSource.arcProgram),
        ] + AzureSource.metadataSigns,
        isMachine: true,
        automatic: .always(),
        otherVariables: [
            "MSI_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "AZURE_CLIENT_ID",
            "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST",
        ],
        parse: { (options) throws(AccountError) in .azure(try AzureSource(parsing: &options)) },
        // A workload's token, and Arc's key files, which are for root and a group.
        readsFiles: { environment in
            environment["AZURE_FEDERATED_TOKEN_FILE"] != nil || environment["IMDS_ENDPOINT"] != nil
                || isRegularFile(at: AzureSource.arcProgram)
        },
        issuers: KnownIssuers(
            of: "Microsoft Entra",
            "sts.windows.net",
            "login.microsoftonline.com"
        ),
        tokens: TokenFacts(name: "Microsoft Entra ID", claims: [["tid"], ["oid"], ["xms_mirid"]])
    )
}

/// A managed identity's token: what for, and which identity.
package struct AzureSource: Sendable {
    /// Which of several identities; at most one selector exists.
    package enum Identity: Sendable {
        case clientID(String)
        case objectID(String)
        case resourceID(String)
    }

    /// The resource where it is not the token audience.
    package let resource: String?
    package let identity: Identity?

    /// The token audience as the resource, and whichever identity the machine has.
    package static let unspecific = AzureSource(resource: nil, identity: nil)

    /// Azure Arc's agent, which does not set its variables for everyone.
    package static let arcProgram = "/opt/azcmagent/bin/himds"

    /// The signs of the instance metadata service.
    package static let metadataSigns: [PlatformSign] = [
        .override(["AZURE_POD_IDENTITY_AUTHORITY_HOST"]), .firmware(.microsoft),
    ]
}

extension AzureSource {
    fileprivate init(parsing options: inout KeyedValues) throws(AccountError) {
        let resource = try options.text("resource")
        let selectors: [Identity?] = [
            try options.text("clientId").map(Identity.clientID),
            try options.text("objectId").map(Identity.objectID),
            try options.text("resourceId").map(Identity.resourceID),
        ]
        let given = selectors.compactMap(\.self)
        guard given.count <= 1 else {
            throw options.error("clientId", "at most one of clientId, objectId, resourceId")
        }
        self.init(resource: resource, identity: given.first)
    }
}
