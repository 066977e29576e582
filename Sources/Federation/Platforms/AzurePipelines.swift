extension PlatformFacts {
    /// A job of Azure Pipelines, by the token service that its variables name.
    static let azurePipelines = PlatformFacts(
        signs: [.variable("SYSTEM_OIDCREQUESTURI", "TF_BUILD")],
        otherVariables: ["SYSTEM_ACCESSTOKEN"],
        parse: { (options) throws(AccountError) in
            .azurePipelines(serviceConnection: try options.text("serviceConnectionId"))
        },
        otherWords: ["azuredevops", "ado", "devops", "vsts"],
        issuers: KnownIssuers(of: "Azure DevOps", "vstoken.dev.azure.com"),
        template: (
            "$(",
            "Azure Pipelines replaces $(NAME) in a step's env: and inputs alone, and leaves it as it is where"
                + " it has no such variable"
        )
    )
}
