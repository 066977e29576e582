import Kernel
import Text

extension ServiceFacts {
    /// ConductorOne, by a federation trust of the tenant.
    static let conductorone = ServiceFacts(
        isImplied: { values in
            let client = values.peek("clientId") ?? ""
            return client.hasSuffix("/wfe") || client.contains(".conductor.one")
        },
        impliedAccount: { environment in
            environment.variable("CONDUCTORONE_CLIENT_ID") != nil
                ? ["type": "external_account", "service": "conductorone"] : nil
        },
        parse: { (values, input) throws(AccountError) in
            try values.refuseClientSecret()
            var warnings: [String] = []
            let service = try TokenExchangeService.conductorOne(
                &values,
                environment: input.environment,
                warnings: &warnings
            )
            return ParsedService(service: .tokenExchange(service), warnings: warnings)
        },
        title: "ConductorOne",
        defaultVariable: "CONDUCTORONE_ACCESS_TOKEN",
        companionVariables: { service in
            guard case .tokenExchange(let service) = service, let clientID = service.clientID
            else { return [] }
            return [("CONDUCTORONE_CLIENT_ID", clientID)]
        },
        subjectTokenVariable: "CONDUCTORONE_OIDC_TOKEN",
        otherVariables: [
            "CONDUCTORONE_CLIENT_ID", "CONDUCTORONE_TENANT_DOMAIN", "CONDUCTORONE_SERVER_URL",
        ],
        addressVariables: ["CONDUCTORONE_SERVER_URL", "CONDUCTORONE_TENANT_DOMAIN"],
        domains: [".conductor.one"],
        maximumAge: 600
    )
}

extension TokenExchangeService {
    /// ConductorOne, everything from the client id; one that the file lacks is looked for where
    /// ConductorOne's own tools have it, and with it the tenant.
    fileprivate static func conductorOne(
        _ values: inout KeyedValues,
        environment: [String: String],
        warnings: inout [String]
    ) throws(AccountError) -> TokenExchangeService {
        let given = try values.text("clientId")
        let variable = { (name: String) in
            environment.variable(name).flatMap { given == nil ? $0 : nil }
        }
        guard let clientID = given ?? variable("CONDUCTORONE_CLIENT_ID") else {
            throw values.missing(
                "clientId",
                "the federation trust's client id (NAME@TENANT/wfe)"
            )
        }
        guard let client = ConductorOneClient(clientID) else {
            throw values.error(
                "clientId",
                "\"\(clientID.printable)\" is not of the form NAME@TENANT/wfe",
                hint: ConductorOneClient.correction(of: clientID)
            )
        }
        if client.suffix != "wfe" {
            warnings.append(
                "\(values.name(of: "clientId")): ends in /\(client.suffix.printable), not in /wfe"
                    + " as a federation trust's does: write the Client ID of a trust (Settings > Workload Federation)"
            )
        }
        let tenant = variable("CONDUCTORONE_TENANT_DOMAIN")
        let server = try tenantServer(values, tenant, variable("CONDUCTORONE_SERVER_URL"))
        let base = (server ?? client.server).url
        let audience = try values.text("audience")
        return TokenExchangeService(
            name: .conductorone,
            tokenURL: try values.endpoint("tokenUrl", defaultPath: "/auth/v1/token", base: base),
            revokeURL: try values.endpoint("revokeUrl"),
            clientID: clientID,
            subjectTokenType: try values.text("subjectTokenType") ?? tokenTypePrefix + "jwt",
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
            throw values.error("clientId", "CONDUCTORONE_TENANT_DOMAIN is not a host name")
        }
        return server
    }
}

/// The two halves of a ConductorOne client id, `NAME@TENANT/wfe`.
struct ConductorOneClient {
    /// `https://HOST[:PORT]`
    let server: Endpoint
    /// What a subject token's `aud` must contain; without port.
    let domain: String
    /// `wfe` for the client of a federation trust.
    let suffix: String

    /// Splits a client id as ConductorOne's own tools do; `nil` for what is none.
    init?(_ clientID: String) {
        guard let at = clientID.firstIndex(of: "@") else { return nil }
        let rest = clientID[clientID.index(after: at)...]
        guard at > clientID.startIndex, let slash = rest.firstIndex(of: "/") else { return nil }
        suffix = String(rest[rest.index(after: slash)...])
        guard let server = Self.server(named: String(rest[..<slash])), !suffix.isEmpty,
            !suffix.contains("/")
        else { return nil }
        self.server = server
        domain = server.host
    }

    /// What was most likely meant by a text that is no client id; `nil` where that is not known.
    static func correction(of clientID: String) -> String? {
        if clientID.contains("://") {
            let plain = clientID.replacing("https://", with: "").replacing("http://", with: "")
            guard Self(plain) != nil else { return nil }
            return "write it without https://: \(plain.printable)"
        }
        guard clientID.contains("@"), !clientID.hasSuffix("/wfe") else { return nil }
        return "write \(clientID.printable)/wfe"
    }

    /// A tenant's server from its domain, host or short name.
    static func server(named name: String) -> Endpoint? {
        guard !name.isEmpty, !name.contains(where: { "/?#@".contains($0) }) else { return nil }
        let host = name.lowercased()
        do throws(EndpointError) {
            return try Endpoint("https://" + (host.contains(".") ? host : host + ".conductor.one"))
        } catch {
            return nil
        }
    }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
