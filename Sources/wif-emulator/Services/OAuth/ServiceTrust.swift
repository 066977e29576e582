import Federation

/// Whom ConductorOne or Bright trusts: a federation trust's, or a federated credential's, conditions.
struct ServiceTrust: Equatable, Sendable {
    enum Service: String, CaseIterable, Sendable {
        case conductorone, bright
    }

    var service: Service
    /// The `iss` of the tokens.
    var issuer: String
    /// ConductorOne's client id, or Bright's project.
    var target: String
    /// What `aud` may be; anything where this is empty.
    var allowedAudiences: [String] = []
    /// Claims and the values they must have, `sub` among them.
    var claims: [String: String] = [:]

    /// Why the token is not accepted; `nil` if it is.
    func objection(to token: TokenClaims) -> String? {
        guard token.issuer == issuer else { return "the issuer does not match" }
        if !allowedAudiences.isEmpty,
            !token.audiences.contains(where: allowedAudiences.contains)
        {
            return "no audience of the token is allowed"
        }
        for (name, value) in claims.sorted(by: { $0.key < $1.key }) {
            guard let found = claim(at: name[...], in: token.all), matches(found, value) else {
                return "the condition on claims.\(name) does not hold"
            }
        }
        return nil
    }
}

extension ServiceTrust {
    /// A trust whose JSON names one of these services.
    init?(_ json: JSON) throws(UsageError) {
        guard let name = json["service"]?.string, name != "mondoo" else { return nil }
        guard let service = Service(rawValue: name) else {
            throw UsageError("a trust's 'service' is mondoo, conductorone or bright")
        }
        let target = service == .bright ? "project" : "clientId"
        let known = ["service", "issuer", "allowedAudiences", "claims", target]
        if let unknown = json.object?.keys.first(where: { !known.contains($0) }) {
            throw UsageError("a trust of \(name) has no key '\(unknown.printable)'")
        }
        guard let issuer = json["issuer"]?.string, let value = json[target]?.string else {
            throw UsageError("a trust of \(name) needs strings 'issuer' and '\(target)'")
        }
        self.init(service: service, issuer: issuer, target: value)
        allowedAudiences = json["allowedAudiences"]?.array?.compactMap(\.string) ?? []
        claims = json["claims"]?.object?.compactMapValues(\.string) ?? [:]
    }

    /// Bright's limit of federated credentials in one project.
    private static let credentialsInProject = 20

    /// Refuses more of them than a project holds.
    static func checkLimits(_ trusts: [ServiceTrust]) throws(UsageError) {
        let projects = Dictionary(grouping: trusts.filter { $0.service == .bright }, by: \.target)
        for (project, trusts) in projects where trusts.count > credentialsInProject {
            throw UsageError(
                "Bright's project '\(project.printable)' holds at most \(credentialsInProject)"
                    + " federated credentials"
            )
        }
    }
}

extension World {
    /// The client id of the trust that is there for an issuer without being asked for.
    func conductorOneClient(for issuer: Issuer) -> String {
        "\(issuer.name)-bear-10001@\(conductorOneTenant)/wfe"
    }

    /// What `aud` must contain at ConductorOne.
    var conductorOneTenant: String { "acme.conductor.one" }

    /// Bright's project that is there without being asked for.
    var brightProject: String { "demo" }

    /// What `aud` may be there.
    var brightAudience: String { "https://app.brightsec.com" }

    /// The trusts the user gave for the service; else one for each identity that is played.
    func trusts(of service: ServiceTrust.Service) -> [ServiceTrust] {
        let given = options.serviceTrusts.filter { $0.service == service }
        if !given.isEmpty {
            return given.map { trust in
                var trust = trust
                trust.issuer = issuer(named: trust.issuer)?.url ?? trust.issuer
                return trust
            }
        }
        return issuers.map { issuer in
            let platform = IdentityPlatform(rawValue: issuer.name)
            let subject = platform.map(claims)?["sub"]?.string ?? "workload"
            let isBright = service == .bright
            return ServiceTrust(
                service: service,
                issuer: issuer.url,
                target: isBright ? brightProject : conductorOneClient(for: issuer),
                allowedAudiences: isBright ? [brightAudience, "https://github.com/acme"] : [],
                claims: ["sub": subject]
            )
        }
    }
}
