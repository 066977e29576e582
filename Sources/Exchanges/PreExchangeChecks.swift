package import Federation
package import FoundationEssentials
internal import Platform

/// Something about a token that its service is known to refuse.
package struct Finding: Equatable, Sendable {
    /// Which claim it is about.
    package enum Kind: Equatable, Sendable {
        /// A younger token would do.
        case time
        case issuer
        case audience
    }

    package let kind: Kind
    /// Reads after "the token": `has 120 s left, ...`.
    package let text: String
    /// What to change, should the service refuse for it.
    package var hint: String?
}

/// Seconds that Mondoo wants a token to have left.
private let mondooMargin = 180.0

/// Holds a token's claims against what the service is known to refuse. The signature is not looked at:
/// that, and the last word on all of this, is the service's.
/// The date is the local wall clock's, which may be the one that is wrong.
package func findings(
    of token: SubjectToken,
    for account: Account,
    at date: Date
) -> [Finding] {
    guard let claims = token.claims else { return [] }
    switch account.service {
    case .mondoo(let service):
        return [timeFinding(claims, date), issuerFinding(claims, service.issuer)]
            .compactMap(\.self)
    case .tokenExchange(let service):
        let issuer = account.issuer.flatMap { issuerFinding(claims, $0) }
        let found = [expiryFinding(claims, date), ageFinding(claims, service, date)]
        return (found + [issuer, domainFinding(claims, service)]).compactMap(\.self)
    }
}

/// Seconds since its issue after which ConductorOne takes no token.
private let conductorOneAge = 600.0

private func expiryFinding(_ claims: TokenClaims, _ date: Date) -> Finding? {
    guard let expiry = claims.expiresAt else { return nil }
    let left = expiry - date.timeIntervalSince1970
    guard left <= 0 else { return nil }
    return Finding(
        kind: .time,
        text: "expired \(seconds(-left)) ago by this machine's clock",
        hint: "use a source that gives a new token each time, or check this machine's clock"
    )
}

private func ageFinding(
    _ claims: TokenClaims,
    _ service: TokenExchangeService,
    _ date: Date
) -> Finding? {
    guard service.preset == .conductorone, let issued = claims.issuedAt else { return nil }
    let age = date.timeIntervalSince1970 - issued
    guard age > conductorOneAge else { return nil }
    return Finding(
        kind: .time,
        text: "is \(seconds(age)) old by this machine's clock, and ConductorOne takes none older"
            + " than \(seconds(conductorOneAge))",
        hint: "use a source that gives a new token each time, or check this machine's clock"
    )
}

private func domainFinding(_ claims: TokenClaims, _ service: TokenExchangeService) -> Finding? {
    guard let domain = service.tenantDomain, !claims.audiences.contains(domain) else { return nil }
    let found = claims.audiences.isEmpty ? "none" : claims.audiences.joined(separator: " ")
    return Finding(
        kind: .audience,
        text: "has the audience \(found.printable), without the tenant's domain \(domain)",
        hint: "have the token made for the audience \(domain); tokenAudience says otherwise, or the"
            + " source gives one that was made for another"
    )
}

private func timeFinding(_ claims: TokenClaims, _ date: Date) -> Finding? {
    guard let expiry = claims.expiresAt else { return nil }
    let left = expiry - date.timeIntervalSince1970
    guard left <= mondooMargin else { return nil }
    let state =
        left > 0
        ? "has \(seconds(left)) left by this machine's clock"
        : "expired \(seconds(-left)) ago by this machine's clock"
    return Finding(
        kind: .time,
        text: "\(state), and Mondoo wants more than \(seconds(mondooMargin))"
    )
}

private func issuerFinding(_ claims: TokenClaims, _ issuer: String) -> Finding? {
    guard claims.issuer != issuer else { return nil }
    let found = claims.issuer?.printable ?? "none"
    let text =
        claims.isIssued(by: issuer)
        ? "has the issuer \(found), which differs from issuerUri \(issuer.printable) in the"
            + " trailing slash alone"
        : "has the issuer \(found), and issuerUri is \(issuer.printable)"
    return Finding(kind: .issuer, text: text)
}

/// Whole seconds, as messages show them.
private func seconds(_ value: Double) -> String {
    "\(Int(value.clamped(to: -1e12...1e12))) s"
}

extension SubjectToken {
    /// The claims that a trust policy looks at, for a refusal; never the token.
    func claimsForMessage(at date: Date) -> String {
        guard let claims else {
            return SignedRequestSummary(decoding: value)?.text ?? "it is no JWT"
        }
        var parts = [
            "iss \(claims.issuer?.printable ?? "none")",
            "sub \(claims.subject?.printable ?? "none")",
            "aud \(claims.audiences.joined(separator: " ").printable)",
        ]
        let now = date.timeIntervalSince1970
        if let issuedAt = claims.issuedAt { parts.append("age \(seconds(now - issuedAt))") }
        if let expiresAt = claims.expiresAt { parts.append("\(seconds(expiresAt - now)) left") }
        return parts.joined(separator: ", ")
    }
}
