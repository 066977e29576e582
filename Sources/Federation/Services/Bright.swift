import Text

extension ServiceFacts {
    /// Bright, by a project's federated credentials.
    static let bright = ServiceFacts(
        parse: { (values, input) throws(AccountError) in
            try values.refuseClientSecret()
            var warnings: [String] = []
            let service = try TokenExchangeService.bright(
                &values,
                input.variable,
                warnings: &warnings
            )
            return ParsedService(service: .tokenExchange(service), warnings: warnings)
        },
        ownKeys: ["projectId"],
        title: "Bright",
        defaultVariable: "BRIGHT_TOKEN",
        otherVariables: ["BRIGHT_PROJECT_ID", "BRIGHT_BASE_URL"],
        addressVariables: ["BRIGHT_BASE_URL"],
        domains: [".brightsec.com"],
        hosts: ["app.brightsec.com"],
        scheme: "Api-Key",
        revokesAfterCommand: true
    )
}

extension TokenExchangeService {
    /// Bright: the resource from the project, the addresses from one base. What the file leaves out of
    /// the two is looked for in Bright's own variables.
    fileprivate static func bright(
        _ values: inout KeyedValues,
        _ variable: (String) -> String?,
        warnings: inout [String]
    ) throws(AccountError) -> TokenExchangeService {
        let path = "/api/v1/token"
        let base = try installation(values, variable("BRIGHT_BASE_URL"))
        let tokenURL = try values.endpoint("tokenUrl", defaultPath: path, base: base)
        let site =
            tokenURL.url.hasSuffix(path)
            ? String(tokenURL.url.dropLast(path.count)) : tokenURL.writtenOrigin
        var resources = try values.resources()
        let project = try values.text("projectId") ?? variable("BRIGHT_PROJECT_ID")
        if let project, project.contains("/") {
            throw values.error(
                "projectId",
                "\(project.printable) is an address, and the project's id is expected",
                hint: "write the id alone, the last part of the project's address"
            )
        }
        if let project, resources.isEmpty {
            resources = ["\(site)/api/v1/projects/\(percentEncoded(project))"]
        } else if resources.isEmpty {
            warnings.append(
                "\(values.name(of: "projectId")): is missing; Bright refuses a token that fits"
                    + " several projects"
            )
        }
        let revokeURL = try values.endpoint("revokeUrl", default: "\(site)/api/v1/revoke")
        return TokenExchangeService(
            name: .bright,
            tokenURL: tokenURL,
            revokeURL: revokeURL,
            clientID: try values.text("clientId"),
            subjectTokenType: try values.text("subjectTokenType") ?? tokenTypePrefix + "id_token",
            requestedTokenType: try values.text("requestedTokenType"),
            format: try values.requestFormat(default: .json, others: [.form]),
            audiences: [],
            resources: resources,
            scopes: try values.texts("scopes"),
            userProject: nil,
            impersonation: nil,
            wantedAudience: try values.text("audience") ?? "",
            tenantDomain: nil
        )
    }

    /// What the variable says, where the file leaves it to it; else Bright's own.
    private static func installation(
        _ values: KeyedValues,
        _ variable: String?
    ) throws(AccountError) -> String {
        guard let variable, !values.has("tokenUrl") else { return "https://app.brightsec.com" }
        do throws(EndpointError) {
            return try Endpoint(variable).url
        } catch {
            throw values.error("tokenUrl", "BRIGHT_BASE_URL \(error.reason)")
        }
    }
}
