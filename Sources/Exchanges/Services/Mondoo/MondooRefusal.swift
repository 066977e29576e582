import Federation
import Kernel
import Text

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
    /// Whether Mondoo refused who asks, and not what: PermissionDenied, Unauthenticated.
    let isOfPolicy: Bool
    /// Who answered: Mondoo itself has a code and a message.
    let sender: Sender

    enum Sender {
        case mondoo
        /// A redirect, of whoever is at that address.
        case redirect
        /// Whoever is in Mondoo's place.
        case stranger
    }

    /// `nil` where nothing better is known than the kind of the answer.
    var hint: String? {
        timeHint ?? findings.lazy.compactMap(\.hint).first ?? service.oddities.first
            ?? tokenHint ?? senderHint
    }

    /// Whose subject that is.
    private var identityRemark: String {
        token.claims?.identityRemark.map { " (\($0))" } ?? ""
    }

    /// What the provider must have, where Mondoo does not say what does not fit.
    private var everything: String? {
        guard isOfPolicy, let claims = token.claims else { return nil }
        return
            "make Mondoo's identity provider fit the token above: issuer \(service.issuer.printable), subject"
            + " \(claims.subject?.printable ?? "none"), its aud, its claims; wif-agent claims --for mondoo"
            + " prints what to enter"
    }

    private var senderHint: String? {
        switch sender {
        case .mondoo: wordHint ?? everything
        case .redirect: nil
        case .stranger: pathHint ?? Self.strangerHint
        }
    }

    /// For a base URL with a path, which no environment of Mondoo's has.
    private var pathHint: String? {
        let path = service.universe.url.dropFirst(service.universe.origin.count)
        guard path.count > 1 else { return nil }
        return
            "universeDomain has the path \(path.description.printable), and Mondoo's addresses have none:"
            + " leave it out"
    }

    /// Where Mondoo finds no provider, and the slash at the issuer's end alone is not the token's.
    private var slashHint: String? {
        guard let issuer = token.claims?.issuer, issuer != service.issuer,
            issuer == service.issuer + "/" || issuer + "/" == service.issuer
        else { return nil }
        let (has, lacks) = issuer.hasSuffix("/") ? ("ends", "does not") : ("does not end", "does")
        return
            "the token's issuer \(has) in a slash, and issuerUri \(lacks): write issuerUri exactly as the token has it,"
            + " \(issuer.printable), and the issuer of Mondoo's identity provider in the same way; then, should"
            + " Mondoo still know none, compare audience \(service.audience.printable) with the space's MRN"
    }

    private static let strangerHint =
        "not Mondoo answered, but a proxy or firewall on the way, or another server: correct"
        + " universeDomain where it is not Mondoo's, or have the proxy let this machine through to it"

    private var timeHint: String? {
        if let finding = findings.first(where: { [.time, .timeForm].contains($0.kind) }) {
            return finding.hint
        }
        guard let clockSkew, abs(clockSkew) > ClockTolerance.seconds else { return nil }
        return
            "synchronise this machine's clock, which is \(Int(abs(clockSkew).clamped(to: 0...1e9))) s"
            + " \(clockSkew > 0 ? "ahead of" : "behind") Mondoo's, and try again"
    }

    private var tokenHint: String? {
        guard let claims = token.claims else {
            guard SignedRequestSummary(decoding: token.value) == nil else { return nil }
            if token.source == "JWT_TOKEN" {
                return
                    "unset JWT_TOKEN, which is used before the account's credentialSource and holds no token"
            }
            return (TokenShape(of: token.value) ?? .unknown(for: "Mondoo")).hint
        }
        return claims.subject == nil
            ? "have the issuer put sub into its tokens: Mondoo compares it" : nil
    }

    /// For a signed request that AWS did not accept: the reason is AWS's, and the key's. In the words that AWS
    /// documents for all of its calls.
    private var signatureHint: String? {
        guard SignedRequestSummary(decoding: token.value) != nil else { return nil }
        let key = "the AWS key that this account signs with"
        if ["requestexpired", "signature expired", "not yet current", "requesttimetooskewed"]
            .contains(where: words.contains)
        {
            return
                "synchronise this machine's clock (timedatectl, chronyc tracking): AWS takes requests of the last 15 minutes"
        }
        if words.contains("signaturedoesnotmatch") {
            return
                "\(key) has a secret that does not belong to its id: copy both anew, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                + " (40 characters), or remove them, so that the role of the machine is used"
        }
        if words.contains("invalidclienttokenid") || words.contains("unrecognizedclient") {
            return
                "\(key) is not known to AWS: it was deleted or disabled, or lacks its session token (AWS_SESSION_TOKEN); set a"
                + " new one, or remove it, so that the role of the machine is used"
        }
        guard words.contains("expiredtoken") else { return nil }
        return
            "the session of \(key) has ended: unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, so that the"
            + " role of the machine is used, or set those of a new session"
    }

    private var wordHint: String? {
        if let signatureHint { return signatureHint }
        let subject = token.claims?.subject?.printable ?? "the ARN that AWS states"
        if ["disabled", "inactive", "suspended", "deactivated"].contains(where: words.contains) {
            return
                "it is switched off in Mondoo: enable it there, or make another by wif-agent provider create"
        }
        if ["identity provider", "binding", "not found"].contains(where: words.contains) {
            if let slashHint { return slashHint }
            return
                "Mondoo knows no identity provider with the issuer \(service.issuer.printable) in"
                + " \(service.audience.printable). If one was made, it is in another scope: write that scope's MRN in"
                + " audience, or its region in universeDomain (\(service.universe.host) was asked), both as the"
                + " account file has them that the console generates for it. If none was made, create it in this"
                + " scope: issuer \(service.issuer.printable), subject \(subject), in the console or by wif-agent"
                + " provider create (wif-agent claims --for mondoo prints what to enter)"
        }
        if words.contains("role") || words.contains("scopes") {
            return
                "Mondoo does not give what scopes in the account file asks for: write it there as the account file has it that"
                + " the console generates for this provider, and give the provider that role in Mondoo"
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
            return "write the provider's subject as \(subject)\(identityRemark); "
                + (token.claims?.subjectNote ?? "wif-agent claims --for mondoo suggests it")
        }
        if ["expire", "not valid yet", "too old"].contains(where: words.contains) {
            return "use a source that gives a new token each time, and check this machine's clock"
        }
        if ["signature", "keys", "verif"].contains(where: words.contains) {
            return IssuerPlace(token.claims?.issuer ?? service.issuer).advice(for: "Mondoo")
        }
        return nil
    }
}
