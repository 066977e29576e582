/// A token endpoint of RFC 8693: where it is and what its request says.
package struct TokenExchangeService: Sendable {
    /// Which service it is, which decides the defaults and the checks before the exchange.
    package enum Preset: String, CaseIterable, Sendable {
        case conductorone, bright, oauth
    }

    /// How requests are encoded.
    package enum RequestFormat: String, CaseIterable, Sendable {
        case form, json
    }

    /// A service account that is impersonated with the token (Google's IAM credentials API).
    package struct Impersonation: Sendable {
        /// `…/serviceAccounts/EMAIL:generateAccessToken`
        package let url: Endpoint
        /// Seconds that its token is to live.
        package let lifetime: Int
        package let scopes: [String]
    }

    package let preset: Preset
    package let tokenURL: Endpoint
    /// `nil` where tokens cannot be revoked.
    package let revokeURL: Endpoint?
    package let clientID: String?
    package let subjectTokenType: String
    package let requestedTokenType: String?
    package let format: RequestFormat
    /// The audiences that the request names.
    package let audiences: [String]
    package let resources: [String]
    package let scopes: [String]
    /// The project that pays for a workforce pool's requests (Google's `options`).
    package let userProject: String?
    package let impersonation: Impersonation?
    /// The audience that subject tokens need; empty where it is left open.
    package let wantedAudience: String
    /// ConductorOne's tenant, which a subject token's audience must name; `nil` elsewhere.
    package let tenantDomain: String?

    /// The word before a token in an `Authorization` header, where the service wants one of its own.
    package var scheme: String { preset == .bright ? "Api-Key" : "Bearer" }
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
