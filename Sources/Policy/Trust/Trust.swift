/// What a service was told to accept: a federation trust, identity provider or federated credential,
/// as a small JSON file that `doctor`, `claims` and the emulator read.
package struct Trust: Sendable {
    /// What the three services keep beside the issuer.
    package enum Terms: Sendable {
        case mondoo(MondooTerms)
        case conductorone(ConductorOneTerms)
        case bright(BrightTerms)
    }

    /// The `iss` that tokens must have, compared byte by byte.
    package let issuer: String
    package let terms: Terms
    /// Whatever the owner calls it.
    package let name: String?

    package var service: TrustingService {
        switch terms {
        case .mondoo: .mondoo
        case .conductorone: .conductorone
        case .bright: .bright
        }
    }

    /// The condition on claims, for the services that have one.
    package var condition: Expression? {
        switch terms {
        case .mondoo: nil
        case .conductorone(let terms): terms.condition
        case .bright(let terms): terms.condition
        }
    }

    /// Whether tokens are signed requests to AWS rather than JWTs.
    package var isCallerIdentity: Bool { service == .mondoo && issuer == Self.awsIssuer }

    static let awsIssuer = "https://sts.amazonaws.com"
}

/// The services whose trusts are known.
package enum TrustingService: String, Sendable, CaseIterable {
    case mondoo
    case conductorone
    case bright

    /// The language of its conditions; `nil` for Mondoo, which has mappings.
    package var dialect: Dialect? { Dialect(rawValue: rawValue) }
}

/// A Mondoo identity provider.
package struct MondooTerms: Equatable, Sendable {
    /// `sub`; for AWS an ARN, which may end in `/*`.
    package let subject: String
    /// What `aud` may be; anything if empty.
    package let allowedAudiences: [String]
    package let mappings: [ClaimMapping]
    /// The MRN of the space or organisation it gives access to.
    package let scope: String?
    /// MRNs; Mondoo gives Agent if empty.
    package let roles: [String]
    /// Seconds that a credential lives; Mondoo's default is 3600.
    package let expiration: Int?
}

/// A ConductorOne federation trust.
package struct ConductorOneTerms: Sendable {
    package let clientID: String
    /// The host of the tenant, which `aud` must contain: `acme.conductor.one`.
    package let tenant: String
    package let condition: Expression
}

/// A Bright federated credential.
package struct BrightTerms: Sendable {
    /// What holds the claims.
    package enum Policy: Sendable {
        /// Custom OIDC's CEL expression.
        case condition(Expression)
        /// The fields of one of its CI providers.
        case preset(BrightPreset)
    }

    /// At least one; one of them must be in `aud`.
    package let allowedAudiences: [String]
    package let policy: Policy
    package let projectID: String?

    /// The CEL expression, where it is custom OIDC's.
    package var condition: Expression? {
        if case .condition(let condition) = policy { condition } else { nil }
    }
}
