import Kernel
import Text

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
        otherWords: [
            "msi", "entra", "entraid", "azuread", "aad", "managedidentity", "imds", "arm", "aks",
            "microsoft",
        ],
        machineTitle: "Azure",
        metadataRule: MetadataRule(path: "/metadata/", header: ("Metadata", "true")),
        podFile: podFile,
        remark: { $0.foreignFile(podFile) ?? unlabelledPod($0) },
        issuers: KnownIssuers(
            of: "Microsoft Entra",
            "sts.windows.net",
            "login.microsoftonline.com"
        ),
        tokens: TokenFacts(
            name: "Microsoft Entra ID",
            identityRemark: { claims in
                let identity = claims["xms_mirid"]?.string?.split(separator: "/").last
                let name = identity.map { ", \(String($0).printable)" } ?? ""
                return claims["sub"]?.string == claims["oid"]?.string
                    ? "the object (principal) id of the identity\(name), not its application (client) id"
                    : nil
            },
            claims: [["tid"], ["oid"], ["xms_mirid"]],
            keptAdvice:
                "Azure keeps a managed identity's token for up to a day and gives no younger one before, so that"
                + " trying again does not help: for this service use another source, such as workload"
                + " identity in AKS (AZURE_FEDERATED_TOKEN_FILE) or a job's own token",
            audienceAdvice:
                "set credentialSource.resource to AUDIENCE, an App ID URI of the tenant, or"
                + " allow the token's aud in the trust"
        )
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
            throw options.error(
                "clientId",
                "at most one of clientId, objectId, resourceId",
                hint: "keep one of them and remove the others"
            )
        }
        switch given.first {
        case .clientID(let id)?: try options.checkIdentifier("clientId", id)
        case .objectID(let id)?: try options.checkIdentifier("objectId", id)
        case .resourceID?, nil: break
        }
        self.init(resource: resource, identity: given.first)
    }
}

extension KeyedValues {
    /// Refuses what is no id of an identity, which Entra makes of five groups of hexadecimal digits.
    fileprivate func checkIdentifier(_ key: String, _ text: String) throws(AccountError) {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard
            groups.map(\.count) != [8, 4, 4, 4, 12]
                || !groups.joined().allSatisfy({ $0.isASCII && $0.isHexDigit })
        else { return }
        let name = key == "clientId" ? "client id" : "object id"
        throw error(
            key,
            "\"\(text.printable)\" is no \(name): that is a GUID, not a name",
            hint:
                "write the identity's \(name), as its overview page in the Azure portal has it; or"
                + " name the identity by resourceId"
        )
    }
}

extension PlatformFacts {
    fileprivate static let podFile = (
        variable: "AZURE_FEDERATED_TOKEN_FILE", others: ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"]
    )

    /// A pod that was not given workload identity, so that its node's identities were asked.
    fileprivate static func unlabelledPod(_ place: SourcePlace) -> (text: String, hint: String)? {
        guard place.isPod, place.environment[podFile.variable] == nil,
            place.environment["IDENTITY_ENDPOINT"] == nil
        else { return nil }
        return (
            "this is a pod without \(podFile.variable), so that its node was asked",
            "for workload identity of AKS label the pod azure.workload.identity/use: \"true\", annotate its service"
                + " account azure.workload.identity/client-id, and make the pod anew: the webhook then mounts the token"
                + " and sets the variables. Only if the node's own identity is meant: \(place.advice ?? "assign it")"
        )
    }
}
