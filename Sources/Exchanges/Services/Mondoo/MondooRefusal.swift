internal import Federation
package import Kernel
internal import Text

/// A refusal of Mondoo's held against what is known of the token and the account, and answered with what
/// to change. What is certain comes before what the message hints at.
struct MondooRefusal {
    let service: MondooService
    let token: SubjectToken
    let findings: [Finding]
    /// Seconds by which the local wall clock is ahead of Mondoo's.
    let clockSkew: Double?
    /// Mondoo's message, in lower case.
    let words: String
    /// Whether Mondoo itself answered, and not whoever is in its place.
    let isFromMondoo: Bool

    /// `nil` where nothing better is known than the kind of the answer.
    var hint: String? {
        timeHint ?? findings.lazy.compactMap(\.hint).first ?? service.oddities.first
            ?? tokenHint ?? (isFromMondoo ? wordHint : nil)
    }

    /// Seconds of skew from which on the clock is named first.
    private static let notableSkew = 60.0

    private var timeHint: String? {
        if let finding = findings.first(where: { $0.kind == .time }) { return finding.hint }
        guard let clockSkew, abs(clockSkew) > Self.notableSkew else { return nil }
        return
            "synchronise this machine's clock, which is \(Int(abs(clockSkew).clamped(to: 0...1e9))) s"
            + " \(clockSkew > 0 ? "ahead of" : "behind") Mondoo's, and try again"
    }

    private var tokenHint: String? { token.claims == nil ? tokenShape(token.value) : nil }

    private var wordHint: String? {
        let subject = token.claims?.subject?.printable ?? "the ARN that AWS states"
        if ["identity provider", "binding", "not found"].contains(where: words.contains) {
            return
                "Mondoo knows no identity provider for these values: in the space of the audience, is"
                + " there one whose issuer is \(service.issuer.printable), to the last slash, and is"
                + " \(service.universe.host) the region of that space?"
        }
        if words.contains("mapping") || words.contains("claim") {
            return
                "compare the provider's claim mappings with the token: wif-agent claims --for mondoo"
        }
        if words.contains("audience") {
            return "the provider allows other audiences: set tokenAudience to one of them, or allow"
                + " \(token.claims?.audiences.joined(separator: " ").printable ?? "none") there"
        }
        if words.contains("subject") || words.contains(" arn") {
            return
                "write the provider's subject as \(subject); wif-agent claims --for mondoo suggests"
                + " it"
        }
        if ["expire", "not valid yet", "too old"].contains(where: words.contains) {
            return "use a source that gives a new token each time, and check this machine's clock"
        }
        if ["signature", "keys", "verif"].contains(where: words.contains) {
            return "Mondoo must be able to fetch the issuer's keys from the internet:"
                + " \(service.issuer.printable)/.well-known/openid-configuration"
        }
        return nil
    }
}

/// What is wrong with a text that should be a JWT, and what to do; `nil` for one of that form, and for
/// a signed request to AWS.
package func tokenShape(_ token: Secret) -> String? {
    let text = token.text.trimmed
    if text.hasPrefix("{") {
        guard SignedRequestSummary(decoding: token) == nil else { return nil }
        return "the token is JSON: name its member with credentialSource.format"
            + " {\"type\": \"json\", \"subjectTokenFieldName\": NAME}"
    }
    if text.lowercased().hasPrefix("bearer ") {
        return "the token has the word Bearer before it: give the token alone"
    }
    if text.hasPrefix("\"") || text.hasPrefix("'") {
        return "the token is in quotes: write it without, or name credentialSource.format for JSON"
    }
    // The name is part of what may be a secret, and not shown.
    if let mark = text.firstIndex(of: "="),
        text[..<mark].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == " " }),
        !text[mark...].allSatisfy({ $0 == "=" })
    {
        return "the token has a name and = before it: give the token alone"
    }
    if text.contains(where: \.isNewline) {
        return "there is more than one line in the token: give one token alone"
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    if parts.count == 2, text.hasPrefix("eyJ") {
        return
            "the token has two parts of a JWT's three: give the whole token, its signature included"
    }
    return nil
}
