import Exchanges
package import Federation
package import Kernel
import Text

/// What can be said of a token before its service has seen it, claim by claim. What the service is
/// known to refuse is a failure of the class `refused`.
///
/// - Parameters:
///   - date: the service's time as far as it is known.
///   - isServicesTime: whether it is known.
///   - warnings: how the token was found.
package func tokenSteps(
    on token: SubjectToken,
    for account: Account,
    at date: WallTime,
    isServicesTime: Bool = false,
    warnings: [String]
) -> [StepReport] {
    guard let claims = token.claims else { return unreadable(token, account, warnings) }
    let findings = findings(of: token, for: account, at: date)
        .map { isServicesTime ? $0.withRightClock : $0 }
    func step(_ name: StepReport.Name, _ kinds: Finding.Kind..., found: String) -> StepReport {
        guard let finding = findings.first(where: { kinds.contains($0.kind) }) else {
            return .ok(name, found)
        }
        return .failed(
            name,
            .refused,
            "the token \(finding.text)",
            hint: token.isGivenAway
                ? givenAwayHint
                : finding.hint ?? advice(on: finding.kind, account)
        )
    }
    let algorithm = claims.header["alg"]?.string?.printable ?? "nothing"
    return [
        algorithmStep(algorithm, account)
            ?? tokenStep(token, "from \(token.source), signed with \(algorithm)", warnings),
        step(.issuer, .issuer, found: claims.issuer?.printable ?? "none"),
        audienceStep(
            claims,
            account,
            step(.audience, .audience, found: shown(claims.audiences))
        ),
        step(.times, .timeForm, .time, found: times(of: claims, at: date)),
        subjectStep(claims, account),
    ]
}

/// Of a token without claims that this program could read.
private func unreadable(
    _ token: SubjectToken,
    _ account: Account,
    _ warnings: [String]
) -> [StepReport] {
    let rest = [StepReport.Name.issuer, .audience, .times, .subject].map {
        StepReport.skipped($0, "the token is not a JWT")
    }
    guard let shape = shape(of: token, for: account) else {
        let text =
            SignedRequestSummary(decoding: token.value)?.text ?? "not a JWT; it is sent unchanged"
        return [tokenStep(token, text, warnings)] + rest
    }
    let place = token.isGivenAway ? " in the variable JWT_TOKEN" : ""
    return [
        .failed(
            .token,
            .refused,
            "the token\(place) is not a JWT: \(shape.text)",
            hint: token.isGivenAway ? givenAwayHint : shape.hint
        )
    ] + rest
}

private let givenAwayHint =
    "unset JWT_TOKEN, which is used before the account's credentialSource and is stale or of another; or give"
    + " it a new token each time"

extension SubjectToken {
    /// Whether a variable has it that comes before every source.
    fileprivate var isGivenAway: Bool { source == "JWT_TOKEN" }
}

/// What a token is that is no JWT; `nil` where the account's service may take it all the same.
private func shape(of token: SubjectToken, for account: Account) -> TokenShape? {
    if let shape = TokenShape(of: token.value) { return shape }
    guard SignedRequestSummary(decoding: token.value) == nil,
        !account.service.kind.facts.takesOpaqueTokens
    else { return nil }
    return .unknown(for: account.service.kind.facts.title)
}

/// A failure for a token that no public key verifies, as the services do. RFC 7518 section 3.1
private func algorithmStep(_ algorithm: String, _ account: Account) -> StepReport? {
    let isSecret = algorithm.hasPrefix("HS")
    guard isSecret || algorithm.lowercased() == "none" else { return nil }
    let how =
        isSecret ? "is signed with a shared secret (\(algorithm))" : "is not signed (alg none)"
    return .failed(
        .token,
        .refused,
        "the token \(how), and \(account.service.name) verifies with the issuer's public keys",
        hint: "have the issuer sign with RS256, or with another algorithm that has a public key"
    )
}

/// Mondoo compares the subject always; the others' conditions may name other claims.
private func subjectStep(_ claims: TokenClaims, _ account: Account) -> StepReport {
    if let subject = claims.subject {
        let form = GitHubSubject.form(of: claims).map { ", in \($0)" } ?? ""
        return .ok(.subject, subject.printable + form)
    }
    let hint = "have the issuer put sub into its tokens"
    guard account.service.kind == .mondoo else {
        return .warning(.subject, "the token has no sub, which trusts compare", hint: hint)
    }
    return .failed(
        .subject,
        .refused,
        "the token has no sub, and Mondoo compares it with the provider's subject",
        hint: hint
    )
}

private func tokenStep(
    _ token: SubjectToken,
    _ found: String,
    _ warnings: [String]
) -> StepReport {
    guard warnings.isEmpty else {
        return .warning(
            .token,
            "\(found); \(warnings.joined(separator: "; "))",
            hint: token.source == "JWT_TOKEN"
                ? "unset JWT_TOKEN, which is used before the account's credentialSource" : nil
        )
    }
    if !token.isRenewable {
        return .warning(
            .token,
            "\(found); the source cannot give another one later",
            hint:
                "when the credential expires, the account has no other until it is started again"
                + " with a new token"
        )
    }
    return .ok(.token, found)
}

private func audienceStep(
    _ claims: TokenClaims,
    _ account: Account,
    _ step: StepReport
) -> StepReport {
    // Microsoft Entra's resource for the subscription's own management.
    let isLive = claims.audiences.contains { audience in
        audience.hasPrefix("https://management.azure.com")
            || audience.hasPrefix("https://management.core.windows.net")
    }
    if isLive {
        return .warning(
            .audience,
            "the token is for \(shown(claims.audiences)): whoever holds it can act in the Azure"
                + " subscription",
            hint: "have the token made for an App ID URI of your own: set credentialSource.resource"
                + " or tokenAudience to it, and allow that audience in the trust"
        )
    }
    guard step.state == .ok, !account.tokenAudience.isEmpty,
        !claims.audiences.contains(account.tokenAudience)
    else { return step }
    return .warning(
        .audience,
        "the token's aud is \(shown(claims.audiences)), and"
            + " \(account.tokenAudience.printable) was asked for",
        hint: "this source chooses the audience itself: allow its aud in the trust, or have the"
            + " token made for the audience that is asked for"
    )
}

private func advice(on kind: Finding.Kind, _ account: Account) -> String {
    switch kind {
    case .time, .timeForm:
        "use a source that gives a new token each time, or check this machine's clock"
    case .issuer:
        "is issuerUri exactly the one of the trust, the slash at the end included? or name another credentialSource"
    case .audience: "set tokenAudience to what the service allows"
    }
}

private func shown(_ audiences: [String]) -> String {
    audiences.isEmpty ? "none" : audiences.joined(separator: " ").printable
}

private func times(of claims: TokenClaims, at date: WallTime) -> String {
    let now = date.secondsSinceEpoch
    var parts: [String] = []
    if let issued = claims.issuedAt { parts.append("issued \(whole(now - issued)) s ago") }
    if let start = claims.all["nbf"]?.lenientNumber, start > now {
        parts.append("valid only in \(whole(start - now)) s")
    }
    if let expiry = claims.expiresAt { parts.append("\(whole(expiry - now)) s left") }
    return parts.isEmpty ? "the token has no times" : parts.joined(separator: ", ")
}

private func whole(_ seconds: Double) -> Int {
    Int(seconds.clamped(to: -1e12...1e12))
}
