/// The services that exchange a subject token for a credential. All that is known of one stands in its
/// own file beside this one; this is the list from which the rest is derived.
///
/// To add a service: a case here, and what the compiler then asks for, here and in `Exchanges`.
package enum ServiceName: String, CaseIterable, Sendable {
    case mondoo, conductorone, bright, oauth

    /// What is known of the service.
    package var facts: ServiceFacts {
        switch self {
        case .mondoo: .mondoo
        case .conductorone: .conductorone
        case .bright: .bright
        case .oauth: .oauth
        }
    }
}

/// Who exchanges the subject token, by which protocol.
package enum Service: Sendable {
    case mondoo(MondooService)
    /// ConductorOne, Bright, or any other endpoint of RFC 8693.
    case tokenExchange(TokenExchangeService)

    /// Which service it is.
    package var kind: ServiceName {
        switch self {
        case .mondoo: .mondoo
        case .tokenExchange(let service): service.name
        }
    }

    /// Whether it can take a credential back (RFC 7009).
    package var canRevoke: Bool {
        switch self {
        case .mondoo: false
        case .tokenExchange(let service): service.revokeURL != nil
        }
    }

    /// The audience that a subject token needs; empty where the service leaves it open.
    var wantedAudience: String {
        switch self {
        case .mondoo(let service): service.audience
        case .tokenExchange(let service): service.wantedAudience
        }
    }
}
