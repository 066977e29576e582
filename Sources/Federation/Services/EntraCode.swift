import Text

/// A number by which Microsoft Entra ID refuses a workload's token, and what to change then. "Microsoft
/// Entra authentication and authorization error codes"
package struct EntraCode: Sendable {
    /// What was sent, and how the keys are called that it is from. All is ready to print.
    package struct Request: Sendable {
        let client: String
        let clientKey: String
        let tenant: String
        let tenantKey: String
        let scope: String
        let scopeKey: String
        let claims: TokenClaims?

        package init(
            client: (key: String, value: String),
            tenant: (key: String, value: String),
            scope: (key: String, value: String),
            claims: TokenClaims?
        ) {
            (clientKey, self.client) = client
            (tenantKey, self.tenant) = tenant
            (scopeKey, self.scope) = scope
            self.claims = claims
        }

        fileprivate var issuer: String { claims?.issuer?.printable ?? "none" }
        fileprivate var subject: String { claims?.subject?.printable ?? "none" }
        fileprivate var audiences: String {
            claims?.audiences.joined(separator: " ").printable ?? "none"
        }
    }

    let number: Int

    package init(_ number: Int) {
        self.number = number
    }

    /// The numbers of a text with `AADSTS…` in it.
    package static func all(in text: String) -> [EntraCode] {
        text.lowercased().parts(separatedBy: "aadsts").dropFirst().compactMap { part in
            Int(part.prefix { $0.isASCII && $0.isNumber }).map(EntraCode.init)
        }
    }

    /// What to change; `nil` for a number that is not known here.
    package func advice(_ request: Request) -> String? {
        trustAdvice(request) ?? tokenAdvice(request) ?? applicationAdvice(request)
            ?? tenantAdvice(request) ?? scopeAdvice(request) ?? policyAdvice(request)
            ?? passingAdvice
    }

    private static let page = "App registrations > Certificates & secrets > Federated credentials"

    private func trustAdvice(_ request: Request) -> String? {
        switch number {
        case 700_211, 50_027:
            "no federated credential of the application has exactly this issuer, the slash at the end included:"
                + " \(request.issuer); write it as Issuer (\(Self.page))"
        case 700_212:
            "the federated credential's audience, usually api://AzureADTokenExchange, must be the"
                + " token's, which is \(request.audiences): set tokenAudience to it, or write the token's as Audience"
                + " (\(Self.page))"
        case 700_213:
            "the federated credential's subject must be equal to \(request.subject), upper and lower case included: write it"
                + " as Subject identifier (\(Self.page)); a new one is known only after some minutes"
        case 70_021:
            "the federated credential's subject must be equal to \(request.subject), its issuer to \(request.issuer) and its"
                + " audience to \(request.audiences): add it (\(Self.page)); a new one is known only after some minutes"
        case 700_222:
            "Entra takes no token of Entra's own for this application: use a source whose tokens are of another issuer, or a"
                + " managed identity as federated credential, with the audience api://AzureADTokenExchange"
        case 700_023:
            "the token's aud, \(request.audiences), is not one that Entra takes: set tokenAudience to"
                + " api://AzureADTokenExchange, and the same in the federated credential (\(Self.page))"
        case 700_021:
            "no federated credential fits the token, so that Entra took it for one that the application signed itself: add"
                + " one with issuer \(request.issuer) and subject \(request.subject) (\(Self.page))"
        default: nil
        }
    }

    private func tokenAdvice(_ request: Request) -> String? {
        switch number {
        case 700_024, 500_133:
            "the token is not within its times: use a source that gives a new token each time, and"
                + " check this machine's clock"
        case 50_013, 50_012, 700_027, 7_000_272, 50_014:
            "Entra could not verify the token's signature: it must reach"
                + " \(request.issuer)/.well-known/openid-configuration and its keys from the internet, and the key that the"
                + " token names (kid) must be among them"
        case 7_000_215, 7_000_218, 7_000_222:
            "Entra looked for a client secret: give the application a federated credential, and write"
                + " \"grant\": \"client-credentials\""
        case 700_025:
            "the application is a public client, which may prove nothing: set Allow public client flows to No (App"
                + " registrations > Authentication)"
        default: nil
        }
    }

    private func applicationAdvice(_ request: Request) -> String? {
        switch number {
        case 700_016, 700_038, 70_001:
            "\(request.tenantKey), \(request.tenant), has no application with this \(request.clientKey): \(request.client);"
                + " write the Application (client) ID of the overview in App registrations, which is neither the Object ID"
                + " nor the name; or, if that is it, correct the tenant to the one where the application is"
        case 7_000_229:
            "the application \(request.client) has no service principal in the tenant \(request.tenant): have its"
                + " administrator make one, az ad sp create --id \(request.client); or correct the tenant"
        case 7_000_112, 7_000_116, 500_571:
            "the application or its service principal is disabled: enable it in Enterprise applications"
                + " (Properties > Enabled for users to sign-in)"
        case 50_105, 501_051:
            "the service principal of \(request.client) is not assigned to the resource's enterprise application: assign it"
                + " an app role there (Enterprise applications > Users and groups), or turn off Assignment required"
        case 65_001, 90_094, 650_051, 650_056, 650_057:
            "grant the application \(request.client) its permission for \(request.scope), with the administrator's consent"
                + " (App registrations > API permissions > Grant admin consent)"
        case 900_144, 90_014, 900_143:
            request.client.isEmpty || request.client == "none was sent"
                ? "no client id was sent: write \"\(request.clientKey)\", the Application (client) ID from App registrations"
                : "a parameter of the request is missing, which the text names: write \(request.clientKey),"
                    + " \(request.scopeKey) and \"grant\": \"client-credentials\" in the account file"
        default: nil
        }
    }

    private func tenantAdvice(_ request: Request) -> String? {
        switch number {
        case 90_002, 900_023, 90_023, 900_021, 50_020:
            "there is no such tenant: correct the tenant's id or domain in \(request.tenantKey),"
                + " \(request.tenant), to the Directory (tenant) ID of the overview in App registrations"
        case 50_059, 90_019, 50_194, 900_971, 9_002_332:
            "the application is one of a single tenant, and \(request.tenantKey) says \(request.tenant): write the Directory"
                + " (tenant) ID there, in place of common, organizations or consumers"
        case 900_382, 900_432, 90_038, 50_049, 90_051:
            "the tenant \(request.tenant) is in another of Microsoft's clouds than the host that was asked: write"
                + " login.microsoftonline.us (US Government), login.partner.microsoftonline.cn (China) or"
                + " login.microsoftonline.com (all others) in its place"
        case 1_002_016, 1_002_017:
            "the connection was made with an old version of TLS, as by an inspecting proxy: let TLS 1.2 through to Entra"
        default: nil
        }
    }

    private func scopeAdvice(_ request: Request) -> String? {
        switch number {
        case 1_002_012, 70_011:
            "\(request.scopeKey) must be one resource with /.default, such as"
                + " https://graph.microsoft.com/.default; it is \(request.scope)"
        case 500_011, 50_001, 650_052, 500_014:
            "the tenant \(request.tenant) has no resource \(request.scope.withoutDefault): write in \(request.scopeKey) the"
                + " Application ID URI of an application that is there (App registrations > Expose an API), followed by"
                + " /.default; or correct the tenant"
        default: nil
        }
    }

    private func policyAdvice(_ request: Request) -> String? {
        switch number {
        case 53_003, 530_003, 530_034, 530_035, 53_000, 53_001, 53_002, 53_004, 53_011:
            "a Conditional Access policy blocks the application \(request.client): whoever administers the tenant must"
                + " exclude its service principal or allow this machine's address (Conditional Access > Policies, for"
                + " workload identities; Sign-in logs > Service principal sign-ins names the policy)"
        case 50_076, 50_079, 50_158:
            "a policy of the tenant asks for a second factor, which no workload has: its administrator must exclude the"
                + " service principal of \(request.client)"
        default: nil
        }
    }

    private var passingAdvice: String? {
        switch number {
        case 50_196, 90_055, 90_024:
            "Entra was asked too often in a short time: nothing is wrong with the account; the agent waits and tries again."
                + " Ask less often: one agent that all programs read from in place of an exchange in each"
        case 90_033, 90_036, 50_000:
            "Entra has a passing failure: nothing is to be changed here, the agent tries again by itself"
        default: nil
        }
    }
}

extension String {
    /// A scope's resource.
    fileprivate var withoutDefault: String {
        hasSuffix("/.default") ? String(dropLast("/.default".count)) : self
    }
}
