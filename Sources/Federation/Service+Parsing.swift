extension Service {
    /// Reads the keys that say who exchanges the token.
    ///
    /// - Parameter environment: supplies what a ConductorOne file leaves out.
    init(
        _ values: inout KeyedValues,
        issuer: String?,
        environment: [String: String],
        warnings: inout [String]
    ) throws(AccountError) {
        let name = try values.text("service") ?? Self.implied(by: values)
        if name == "mondoo" {
            self = .mondoo(try MondooService(&values, issuer: issuer))
            return
        }
        guard let preset = TokenExchangeService.Preset(rawValue: name) else {
            throw values.unknown("service", name, Service.names)
        }
        if values.peek("clientSecret") != nil {
            throw values.error(
                "clientSecret",
                "is a long-lived key, and none is used here",
                hint: "let the service authenticate the workload by its subject token alone"
            )
        }
        let service: TokenExchangeService =
            switch preset {
            case .conductorone:
                try .conductorOne(&values, environment: environment, warnings: &warnings)
            case .bright: try .bright(&values, warnings: &warnings)
            case .oauth: try .oauth(&values)
            }
        self = .tokenExchange(service)
    }

    /// The service that the other keys point to.
    private static func implied(by values: KeyedValues) -> String {
        if values.peek("clientId")?.hasSuffix("/wfe") == true { return "conductorone" }
        if values.peek("tokenUrl") != nil || values.isGoogles { return "oauth" }
        return "mondoo"
    }
}

extension MondooService {
    fileprivate init(_ values: inout KeyedValues, issuer: String?) throws(AccountError) {
        let universe = try values.endpoint("universeDomain", default: "https://us.api.mondoo.com")
        let audience = try values.requiredText("audience", why: "the scope MRN is expected")
        guard let issuer else {
            throw values.missing("issuerUri", "the issuer that Mondoo trusts is expected")
        }
        for key in ["subjectTokenType", "requestedTokenType", "scopes"] { _ = values.take(key) }
        let api = try values.endpoint("apiEndpoint")
        self.init(universe: universe, audience: audience, issuer: issuer, apiEndpoint: api)
    }
}

extension KeyedValues {
    /// Whether this is a file of Google's.
    var isGoogles: Bool {
        peek("universeDomain") == "googleapis.com"
            || peek("audience")?.hasPrefix("//iam.googleapis.com/") == true
    }
}
