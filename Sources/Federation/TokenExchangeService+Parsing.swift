private let typePrefix = "urn:ietf:params:oauth:token-type:"

extension TokenExchangeService {
    /// ConductorOne, everything from the client id; one that the file lacks is looked for where
    /// ConductorOne's own tools have it, and with it the tenant.
    static func conductorOne(
        _ values: inout KeyedValues,
        environment: [String: String],
        warnings: inout [String]
    ) throws(AccountError) -> TokenExchangeService {
        let given = try values.text("clientId")
        let variable = { (name: String) in
            environment[name]?.trimmed.nonEmpty.flatMap { given == nil ? $0 : nil }
        }
        guard let clientID = given ?? variable("CONDUCTORONE_CLIENT_ID") else {
            throw values.missing(
                "clientId",
                "the federation trust's is expected (NAME@TENANT/wfe)"
            )
        }
        guard let client = ConductorOneClient(clientID) else {
            throw values.error(
                "clientId",
                "\"\(clientID.printable)\" is not of the form NAME@TENANT/wfe"
            )
        }
        if client.suffix != "wfe" {
            warnings.append(
                "\(values.name(of: "clientId")): ends in /\(client.suffix.printable), not in /wfe"
                    + " as a federation trust's does"
            )
        }
        let tenant = variable("CONDUCTORONE_TENANT_DOMAIN")
        let server = try tenantServer(values, tenant, variable("CONDUCTORONE_SERVER_URL"))
        let base = (server ?? client.server).url
        let audience = try values.text("audience")
        return TokenExchangeService(
            preset: .conductorone,
            tokenURL: try values.endpoint("tokenUrl", defaultPath: "/auth/v1/token", base: base),
            revokeURL: try values.endpoint("revokeUrl"),
            clientID: clientID,
            subjectTokenType: try values.text("subjectTokenType") ?? typePrefix + "jwt",
            requestedTokenType: try values.text("requestedTokenType"),
            format: try values.requestFormat(default: .form, others: []),
            audiences: [],
            resources: [],
            scopes: try values.texts("scopes"),
            userProject: nil,
            impersonation: nil,
            wantedAudience: audience ?? server?.host ?? client.domain,
            tenantDomain: server?.host ?? client.domain
        )
    }

    private static func tenantServer(
        _ values: KeyedValues,
        _ tenant: String?,
        _ url: String?
    ) throws(AccountError) -> Endpoint? {
        do throws(EndpointError) {
            if let url { return try Endpoint(url) }
        } catch {
            throw values.error("clientId", "CONDUCTORONE_SERVER_URL \(error.reason)")
        }
        guard let tenant else { return nil }
        guard let server = ConductorOneClient.server(named: tenant) else {
            throw values.error("clientId", "CONDUCTORONE_TENANT_DOMAIN is no host name")
        }
        return server
    }

    /// Bright: the resource from the project, the addresses from one base.
    static func bright(
        _ values: inout KeyedValues,
        warnings: inout [String]
    ) throws(AccountError) -> TokenExchangeService {
        let path = "/api/v1/token"
        let base = "https://app.brightsec.com"
        let tokenURL = try values.endpoint("tokenUrl", defaultPath: path, base: base)
        let site =
            tokenURL.url.hasSuffix(path)
            ? String(tokenURL.url.dropLast(path.count)) : tokenURL.writtenOrigin
        var resources = try values.resources()
        let project = try values.text("projectId")
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
            preset: .bright,
            tokenURL: tokenURL,
            revokeURL: revokeURL,
            clientID: try values.text("clientId"),
            subjectTokenType: try values.text("subjectTokenType") ?? typePrefix + "id_token",
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

    /// Any endpoint of RFC 8693, Google's among them.
    static func oauth(_ values: inout KeyedValues) throws(AccountError) -> TokenExchangeService {
        let isGoogles = values.isGoogles
        // Of use to those who use the token, or to nobody; no news to whoever wrote the file.
        for key in ["universeDomain", "tokenInfoUrl", "quotaProjectId"] { _ = values.take(key) }
        let known = isGoogles ? "https://sts.googleapis.com/v1/token" : nil
        guard let url = try values.text("tokenUrl") ?? known else {
            throw values.missing("tokenUrl", "the service's token endpoint is expected")
        }
        let tokenURL = try values.endpoint("tokenUrl", url)
        let cloud = "https://www.googleapis.com/auth/cloud-platform"
        let given = try values.texts("scopes")
        let scopes = given.isEmpty && isGoogles ? [cloud] : given
        let impersonation = try values.impersonation(scopes: scopes.isEmpty ? [cloud] : scopes)
        let requested = try values.text("requestedTokenType")
        let audiences = try values.texts("audience")
        return TokenExchangeService(
            preset: .oauth,
            tokenURL: tokenURL,
            revokeURL: try values.endpoint("revokeUrl"),
            clientID: try values.text("clientId"),
            subjectTokenType: try values.text("subjectTokenType") ?? typePrefix + "jwt",
            requestedTokenType: requested ?? (isGoogles ? typePrefix + "access_token" : nil),
            format: try values.requestFormat(default: .form, others: [.json]),
            audiences: audiences,
            resources: try values.resources(),
            scopes: impersonation == nil || !isGoogles ? scopes : [cloud],
            userProject: try values.text("workforcePoolUserProject"),
            impersonation: impersonation,
            wantedAudience: audiences.first ?? "",
            tenantDomain: nil
        )
    }
}

extension KeyedValues {
    /// The endpoint under the key; one without a path gets the default one, none at all the base's.
    fileprivate mutating func endpoint(
        _ key: String,
        defaultPath path: String,
        base: String
    ) throws(AccountError) -> Endpoint {
        let given = try endpoint(key, default: base)
        return given.url == given.writtenOrigin ? try endpoint(key, given.url + path) : given
    }

    fileprivate mutating func requestFormat(
        default standard: TokenExchangeService.RequestFormat,
        others: [TokenExchangeService.RequestFormat]
    ) throws(AccountError) -> TokenExchangeService.RequestFormat {
        let names = ([standard] + others).map(\.rawValue)
        guard
            let format = try choice(
                "requestFormat",
                TokenExchangeService.RequestFormat.self,
                among: names
            )
        else { return standard }
        guard names.contains(format.rawValue) else {
            throw error("requestFormat", "the service takes \(names.joined(separator: ", ")) only")
        }
        return format
    }

    /// RFC 8693 section 2.1: absolute URIs without a fragment.
    fileprivate mutating func resources() throws(AccountError) -> [String] {
        let resources = try texts("resource")
        for resource in resources {
            guard let colon = resource.firstIndex(of: ":"), colon > resource.startIndex,
                resource[..<colon].allSatisfy({ $0.isLetter || $0.isNumber || "+-.".contains($0) }),
                !resource.contains("#")
            else {
                throw error("resource", "an absolute URI without a fragment is expected")
            }
        }
        return resources
    }

    /// Google's keys for the service account that the token stands in for.
    fileprivate mutating func impersonation(
        scopes: [String]
    ) throws(AccountError) -> TokenExchangeService.Impersonation? {
        let url = try endpoint("serviceAccountImpersonationUrl")
        var lifetime: Double?
        for key in ["serviceAccountImpersonation", "serviceAccountImpersonationOptions"] {
            guard var options = try object(key) else { continue }
            lifetime = try options.number("tokenLifetimeSeconds", in: 600...43_200)
        }
        guard let url else { return nil }
        return .init(url: url, lifetime: Int(lifetime ?? 3600), scopes: scopes)
    }
}

extension Endpoint {
    /// Scheme, host and port as the file has them.
    fileprivate var writtenOrigin: String {
        let start = isSecure ? "https://".count : "http://".count
        let rest = url.dropFirst(start).prefix { !"/?".contains($0) }
        return String(url.prefix(start) + rest)
    }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
