/// Who exchanges the subject token.
package enum Service: Sendable {
    case mondoo(MondooService)
    /// ConductorOne, Bright, or any other endpoint of RFC 8693.
    case tokenExchange(TokenExchangeService)

    /// The services this program knows, as the account file names them.
    package static let names = ["mondoo"] + TokenExchangeService.Preset.allCases.map(\.rawValue)

    /// The account file's word for it.
    package var name: String {
        switch self {
        case .mondoo: "mondoo"
        case .tokenExchange(let service): service.preset.rawValue
        }
    }

    /// Whether it can take a credential back (RFC 7009).
    package var canRevoke: Bool {
        switch self {
        case .mondoo: false
        case .tokenExchange(let service): service.revokeURL != nil
        }
    }

    /// Variables that programs need beside the credential, in env formats.
    package var companionVariables: [(name: String, value: String)] {
        guard case .tokenExchange(let service) = self, service.preset == .conductorone,
            let clientID = service.clientID
        else { return [] }
        return [("CONDUCTORONE_CLIENT_ID", clientID)]
    }

    /// A variable in which the service's own tools look for a subject token; comes before `auto`.
    package var subjectTokenVariable: String? {
        guard case .tokenExchange(let service) = self, service.preset == .conductorone else {
            return nil
        }
        return "CONDUCTORONE_OIDC_TOKEN"
    }

    /// The variables that the services read.
    static let variables = [
        "MONDOO_API_PROXY", "CONDUCTORONE_OIDC_TOKEN", "CONDUCTORONE_CLIENT_ID",
        "CONDUCTORONE_TENANT_DOMAIN", "CONDUCTORONE_SERVER_URL",
    ]

    /// The audience that a subject token needs; empty where the service leaves it open.
    var wantedAudience: String {
        switch self {
        case .mondoo(let service): service.audience
        case .tokenExchange(let service): service.wantedAudience
        }
    }

    var defaultVariable: String {
        switch self {
        case .mondoo: "MONDOO_CONFIG_BASE64"
        case .tokenExchange(let service):
            switch service.preset {
            case .conductorone: "CONDUCTORONE_ACCESS_TOKEN"
            case .bright: "BRIGHT_TOKEN"
            case .oauth: "ACCESS_TOKEN"
            }
        }
    }
}

/// Mondoo's exchange: where, and for which scope.
package struct MondooService: Sendable {
    package let universe: Endpoint
    /// The scope MRN.
    package let audience: String
    /// Sent verbatim.
    package let issuer: String
    /// Where the credential's calls go, where that is another host than the exchange's.
    package let apiEndpoint: Endpoint?
}

extension Account {
    /// The account's source; where that is `auto`, a token in the variable in which the service's own
    /// tools look for one comes first.
    package func effectiveSource(in environment: [String: String]) -> TokenSource {
        guard case .automatic = tokenSource, let variable = service.subjectTokenVariable,
            environment[variable]?.trimmed.isEmpty == false
        else { return tokenSource }
        return .environment(name: variable)
    }

    /// Whether the credential is revoked when its user has ended: as configured, else under
    /// `wif-agent exec` for Bright alone, whose documentation asks for it.
    package func revokesOnExit(ofCommand: Bool) -> Bool {
        guard service.canRevoke else { return false }
        return revokeOnExit ?? (ofCommand && service.name == "bright")
    }
}
