/// The services that exchange a subject token for a credential. All that is known of one stands in its
/// own file beside this one; this is the list from which the rest is derived.
///
/// To add a service: a case here, and what the compiler then asks for, here and in `Exchanges`.
package enum ServiceName: String, CaseIterable, Sendable {
    case mondoo, conductorone, bright, oauth, google, aws, token

    /// What is known of the service.
    package var facts: ServiceFacts {
        switch self {
        case .mondoo: .mondoo
        case .conductorone: .conductorone
        case .bright: .bright
        case .oauth: .oauth
        case .google: .google
        case .aws: .aws
        case .token: .token
        }
    }
}

/// Who exchanges the subject token, by which protocol.
package enum Service: Sendable {
    case mondoo(MondooService)
    /// ConductorOne, Bright, or any other token endpoint.
    case tokenExchange(TokenExchangeService)
    /// AWS's token service, for a role.
    case aws(AWSRole)
    /// Nobody: the subject token is the credential.
    case token(PlatformToken)

    /// Which service it is.
    package var kind: ServiceName {
        switch self {
        case .mondoo: .mondoo
        case .tokenExchange(let service): service.name
        case .aws: .aws
        case .token: .token
        }
    }

    /// Whether it can take a credential back (RFC 7009).
    package var canRevoke: Bool { revocationURL != nil }

    /// Where it takes credentials back; `nil` where it cannot.
    package var revocationURL: String? {
        switch self {
        case .mondoo, .aws, .token: nil
        case .tokenExchange(let service): service.revokeURL?.url
        }
    }

    /// Where proofs are sent; `nil` where none is.
    package var endpoint: Endpoint? {
        switch self {
        case .mondoo(let service): service.universe
        case .tokenExchange(let service): service.tokenURL
        case .aws(let role): role.endpoint
        case .token: nil
        }
    }

    /// The hosts that the account file names, in lower case: where its credential may be shown.
    package var hosts: Set<String> {
        switch self {
        case .mondoo(let service): [service.universe.host]
        case .tokenExchange(let service):
            Set(
                [service.tokenURL.host]
                    + (service.resources + service.audiences).compactMap(host(of:))
            )
        case .aws: []
        case .token(let service): Set([service.wantedAudience].compactMap(host(of:)))
        }
    }

    /// The audience that a subject token needs; empty where the service leaves it open.
    var wantedAudience: String {
        switch self {
        case .mondoo(let service): service.audience
        case .tokenExchange(let service): service.wantedAudience
        case .aws(let role): role.wantedAudience
        case .token(let service): service.wantedAudience
        }
    }
}

/// The host of an https URL; `nil` for what is none.
private func host(of text: String) -> String? {
    guard text.hasPrefix("https://") else { return nil }
    do throws(EndpointError) { return try Endpoint(text).host } catch { return nil }
}
