package import Federation
package import Kernel
import Text

/// Something about a token that its service is known to refuse.
package struct Finding: Equatable, Sendable {
    /// Which claim it is about.
    package enum Kind: Equatable, Sendable {
        /// A younger token would do.
        case time
        /// A claim of time is missing or in another unit: the next token would be the same.
        case timeForm
        case issuer
        case audience
    }

    package let kind: Kind
    /// Reads after "the token": `has 120 s left, ...`.
    package let text: String
    /// What to change, should the service refuse for it.
    package var hint: String?
    /// The same where this machine's clock is known to be right; `nil` where that makes no difference.
    var certainHint: String?

    /// The same for a machine whose clock was found to agree with the service's.
    package var withRightClock: Finding {
        var finding = self
        finding.hint = certainHint ?? hint
        return finding
    }
}

extension [Finding] {
    /// The same with what a reply of the service tells of this machine's clock.
    ///
    /// - Parameter clockSkew: seconds by which that is ahead of the service's; `nil` where no reply told.
    func knowing(clockSkew: Double?) -> [Finding] {
        guard let clockSkew, abs(clockSkew) <= ClockTolerance.seconds else { return self }
        return map(\.withRightClock)
    }
}

/// Holds a token's claims against what the service is known to refuse. The signature is not looked at:
/// that, and the last word on all of this, is the service's.
/// The date is the local wall clock's, which may be the one that is wrong.
package func findings(
    of token: SubjectToken,
    for account: Account,
    at date: WallTime
) -> [Finding] {
    guard let claims = token.claims else { return proofFinding(token, account).map { [$0] } ?? [] }
    let times = [
        dateFormFinding(claims), timeFinding(claims, account, date),
        startFinding(claims, date),
        issueFinding(claims, date),
        ageFinding(claims, account, date),
    ]
    let isAsDocumented =
        account.service.name == "mondoo"
        && MondooService.isDocumentedPair(
            trusted: account.issuer ?? "",
            token: claims.issuer ?? ""
        )
    let issuer =
        isAsDocumented ? nil : account.issuer.flatMap { issuerFinding(claims, $0, account) }
    return (times + [issuer, domainFinding(claims, account)]).compactMap(\.self)
}

/// Of a signed request, which has one issuer's name at Mondoo.
private func proofFinding(_ token: SubjectToken, _ account: Account) -> Finding? {
    guard case .mondoo(let service) = account.service,
        SignedRequestSummary(decoding: token.value) != nil, let found = service.proofObjection
    else { return nil }
    return Finding(kind: .issuer, text: found.text, hint: found.hint)
}

/// The claims of time that a service's page has it read, for a token that lacks one.
private func missing(_ name: String, _ facts: ServiceFacts, _ rule: String) -> Finding {
    misformed(
        "has no \(name), and \(facts.title) \(rule)",
        "have the issuer put \(name) into its tokens"
    )
}

/// A claim of time that the next token will not have better.
private func misformed(_ text: String, _ hint: String) -> Finding {
    Finding(kind: .timeForm, text: text, hint: hint)
}

/// RFC 7519 section 4.1.5
private func startFinding(_ claims: TokenClaims, _ date: WallTime) -> Finding? {
    guard let start = claims.all["nbf"]?.lenientNumber, start < 1e11 else {
        return nil
    }
    let wait = start - date.secondsSinceEpoch
    guard wait > ClockTolerance.seconds else { return nil }
    return Finding(
        kind: .time,
        text: "is valid only in \(seconds(wait)) by this machine's clock (nbf)",
        hint: "check this machine's clock, and the issuer's",
        certainHint: aheadHint(claims, wait)
    )
}

/// What to do about a token of the future where this machine's clock is right.
private func aheadHint(_ claims: TokenClaims, _ wait: Double) -> String {
    "this machine's clock agrees with the service's, and the issuer's is \(seconds(wait)) ahead: have whoever runs"
        + " \(claims.issuer?.printable ?? "the issuer") set the clock there (timedatectl, chronyc tracking); nothing"
        + " is to be changed here"
}

/// A token of the future: one of the two clocks is wrong.
private func issueFinding(_ claims: TokenClaims, _ date: WallTime) -> Finding? {
    guard let issued = claims.issuedAt, issued < 1e11 else { return nil }
    let wait = issued - date.secondsSinceEpoch
    guard wait > 60 else { return nil }
    // Not for a younger token: the next one would be the same.
    return Finding(
        kind: .timeForm,
        text: "was issued \(seconds(wait)) in the future by this machine's clock (iat)",
        hint: "check this machine's clock, and the issuer's",
        certainHint: aheadHint(claims, wait)
    )
}

/// RFC 7519 section 2: a NumericDate is a JSON number of seconds. One that lies beyond the year 5138
/// is in milliseconds.
private func dateFormFinding(_ claims: TokenClaims) -> Finding? {
    for name in ["exp", "iat", "nbf"] {
        let value = claims.all[name]
        if value?.string != nil {
            return misformed(
                "has \(name) as text in quotes",
                "have the issuer write \(name) as a number, without quotes (RFC 7519)"
            )
        }
        if let time = value?.lenientNumber, time > 1e11 {
            return misformed(
                "has \(name) \(Int(time.clamped(to: 0...1e15))), which is in milliseconds",
                "have the issuer write times in seconds since 1970 (RFC 7519)"
            )
        }
    }
    return nil
}

private func timeFinding(_ claims: TokenClaims, _ account: Account, _ date: WallTime) -> Finding? {
    let facts = account.service.kind.facts
    guard let expiry = claims.expiresAt else {
        return facts.wantsExpiry ? missing("exp", facts, "checks the expiry") : nil
    }
    let left = expiry - date.secondsSinceEpoch
    guard left <= facts.minimumLeft else { return nil }
    let state =
        left > 0
        ? "has \(seconds(left)) left by this machine's clock"
        : "expired \(seconds(-left)) ago by this machine's clock"
    guard facts.minimumLeft > 0 else {
        return aged(state, account, claims)
    }
    return aged(
        "\(state), and \(facts.title) wants more than \(seconds(facts.minimumLeft))",
        account,
        claims
    )
}

/// Of a token that is too old, or soon will be.
private func aged(_ text: String, _ account: Account, _ claims: TokenClaims) -> Finding {
    let advice = TokenAge(account: account, claims: claims).advice
    return Finding(
        kind: .time,
        text: text,
        hint: advice.text + (advice.mayBeClock ? "; else check this machine's clock" : ""),
        certainHint: advice.text
    )
}

private func ageFinding(_ claims: TokenClaims, _ account: Account, _ date: WallTime) -> Finding? {
    let facts = account.service.kind.facts
    guard let limit = facts.maximumAge else { return nil }
    guard let issued = claims.issuedAt else {
        return missing("iat", facts, "accepts only tokens of at most \(seconds(limit))")
    }
    let age = date.secondsSinceEpoch - issued
    guard age > limit else { return nil }
    return aged(
        "is \(seconds(age)) old by this machine's clock, and \(facts.title) takes none older"
            + " than \(seconds(limit))",
        account,
        claims
    )
}

private func domainFinding(_ claims: TokenClaims, _ account: Account) -> Finding? {
    // An audience around the domain may do: ConductorOne's page wants it contained.
    guard case .tokenExchange(let service) = account.service, let domain = service.tenantDomain,
        !claims.audiences.contains(where: { $0.lowercased().contains(domain) })
    else { return nil }
    let found = claims.audiences.isEmpty ? "none" : claims.audiences.joined(separator: " ")
    return Finding(
        kind: .audience,
        text: "has the audience \(found.printable), without the tenant's domain \(domain)",
        hint: claims.clusterHint(for: domain) ?? domainHint(claims, account, service, domain)
    )
}

/// How the token comes to have the domain: by the account file where that asks for another audience, else by
/// its platform.
private func domainHint(
    _ claims: TokenClaims,
    _ account: Account,
    _ service: TokenExchangeService,
    _ domain: String
) -> String {
    if claims.audiences.contains(account.tokenAudience) {
        let key = account.tokenAudience == service.wantedAudience ? "audience" : "tokenAudience"
        return
            "the account file asks for that audience: remove \(key) from it, so that the token is made for"
            + " \(domain), or write \"\(key)\": \"\(domain)\""
    }
    if let advice = TokenFacts.of(claims.all).audienceAdvice {
        return advice.replacing("AUDIENCE", with: domain)
    }
    return
        "the source gives a token for another audience than the one that is asked for, \(domain): have whoever"
        + " makes it make it for \(domain), or name another credentialSource"
}

private func issuerFinding(
    _ claims: TokenClaims,
    _ issuer: String,
    _ account: Account
) -> Finding? {
    guard claims.issuer != issuer else { return nil }
    let found = claims.issuer?.printable ?? "none"
    let text =
        claims.isIssued(by: issuer)
        ? "has the issuer \(found), which differs from issuerUri \(issuer.printable) in the"
            + " trailing slash alone"
        : "has the issuer \(found), and issuerUri is \(issuer.printable)"
    // What is no issuer at all comes before what the token's is.
    let hint = account.service.swappedIssuer ?? issuerHint(claims, issuer, account.tokenSource)
    return Finding(kind: .issuer, text: text, hint: hint)
}

/// Which value to write, where the two differ by how the issuer is written; `nil` where they are two.
private func issuerHint(
    _ claims: TokenClaims,
    _ issuer: String,
    _ source: TokenSource
) -> String? {
    guard let found = claims.issuer else { return "have the issuer put iss into its tokens" }
    if found.lowercased() == issuer.lowercased() {
        return "capital letters count: write issuerUri as the token has it, \(found.printable)"
    }
    var bare = issuer.trimmed
    if let range = bare.firstRange(of: "/.well-known/") { bare = String(bare[..<range.lowerBound]) }
    bare = bare.withoutScheme
    let isSame = claims.isIssued(by: "https://" + bare) || claims.isIssued(by: "http://" + bare)
    guard isSame else { return otherIssuerHint(claims, found, issuer, source) }
    let blank = issuer.trimmed == issuer ? "" : ", without the space"
    return
        "write issuerUri exactly as the token has it, the slash at the end included: \(found.printable)\(blank), and the trust at the service"
        + " with the same"
}

/// For a token of another issuer, or of another form of the same one.
private func otherIssuerHint(
    _ claims: TokenClaims,
    _ found: String,
    _ issuer: String,
    _ source: TokenSource
) -> String {
    if let hint = claims.clusterHint(for: nil) { return hint }
    let same =
        "write issuerUri as the token has it, \(found.printable), and the same in the trust at the service"
    let parts = [found, issuer].map { $0.split(separator: "/", omittingEmptySubsequences: true) }
    if parts[0].count > 1, parts[0].prefix(2) == parts[1].prefix(2) {
        return
            "the host is right, and what stands behind it is not: \(same)"
    }
    let platform = TokenPlatform.ofIssuer(issuer)
    if let platform, platform == TokenPlatform.ofIssuer(found) {
        return
            "both are issuers of \(platform.rawValue), and the one of its tokens here is another: \(same)"
    }
    // The platform that is named, with an issuer of its own: a GitLab of a company, say.
    if let platform, platform.rawValue == source.name { return same }
    let meant = platform.map {
        "for an identity of \(issuer.printable) write credentialSource {\"provider\": \"\($0.rawValue)\"};"
    }
    return "\(meant.map { $0 + " " } ?? "")if the token is of the identity that is meant, \(same)"
        + (meant == nil ? "; else name another credentialSource" : "")
}

/// Whole seconds, as messages show them.
func seconds(_ value: Double) -> String {
    "\(Int(value.clamped(to: -1e12...1e12))) s"
}

extension SubjectToken {
    /// The claims that a trust policy looks at, for a refusal; never the token.
    func claimsForMessage(at date: WallTime) -> String {
        guard let claims else {
            return SignedRequestSummary(decoding: value)?.text ?? "it is not a JWT"
        }
        var parts = [
            "iss \(claims.issuer?.printable ?? "none")",
            "sub \(claims.subject?.printable ?? "none")",
            "aud \(claims.audiences.joined(separator: " ").printable)",
        ]
        let now = date.secondsSinceEpoch
        if let issuedAt = claims.issuedAt { parts.append("age \(seconds(now - issuedAt))") }
        if let expiresAt = claims.expiresAt { parts.append("\(seconds(expiresAt - now)) left") }
        return parts.joined(separator: ", ")
    }
}
