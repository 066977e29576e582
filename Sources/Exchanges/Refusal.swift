import Federation
import Kernel
import Text

/// A refusal held against the services' own lists of what goes wrong, and answered with what to change.
struct Refusal {
    let answer: Answer
    let service: TokenExchangeService
    let claims: TokenClaims?
    /// The audience that the account file asks for; empty where it asks for none.
    var asked = ""

    /// The requester's variables, some of which say where a service is.
    var variable: @Sendable (String) -> String? = { _ in nil }

    /// What to change; `nil` where the answer fits nothing known.
    var hint: String? {
        if let hint = firstHint { return hint }
        let general = advice(by: Self.common)
        if answer.words.contains("scope") { return general }
        guard let named = namedValue else { return general }
        let further = general.map { "; \($0)" } ?? ""
        return
            "the service names \(named.value.printable), which is \(named.key) in the account file: correct it there, or"
            + " have it made known at the service\(further)"
    }

    /// What to do about an answer that may pass; `nil` where the status says as much.
    var passingHint: String? { firstHint ?? advice(by: Self.passing) }

    /// What a list of the service's own says; how many there may be is said before what Bright's and
    /// ConductorOne's lists say of every refusal.
    private var firstHint: String? {
        switch service.name {
        case .bright, .conductorone: limitHint ?? advice(by: rules)
        case .mondoo, .aws, .token, .oauth, .google: advice(by: rules) ?? limitHint
        }
    }

    /// The advice of a list that knows the service's words, and so comes before what was found to be odd about
    /// the token; `nil` where there is none, or where the words are of the token's times.
    var certainReason: String? {
        guard [.oauth, .google].contains(service.name) else { return nil }
        let ofTimes = ["expire", "stale", "not yet", "outside of its time", "issued at"]
        return ofTimes.contains(where: answer.words.contains) ? nil : advice(by: rules)
    }

    /// Whether the service has looked at the claims, and so has verified the token.
    var isOfClaims: Bool {
        ["condition", "expression"].contains(where: answer.words.contains)
    }

    /// Whether the reason is one that what is seen of the issuer from here may explain.
    var isOfIssuer: Bool {
        ["signature", "jwk", " key", "connect", "retrieve", "discovery", "well-known", "metadata"]
            .contains(where: answer.words.contains)
    }

    private func advice(by rules: [Rule]) -> String? {
        let words = answer.words
        return rules.lazy.filter { $0.isFitting(words) }.compactMap { $0.advice(self) }.first
    }

    /// What to do where the service gives no more for now; `nil` where it says no such thing.
    private var limitHint: String? {
        let words = answer.words
        let isLimit = ["maximum", "quota", "limit reached", "limit exceeded", "reached the limit"]
            .contains { words.contains($0) }
        let others = ["lifetime", "duration", "ttl", " size", "bytes", "length", "too long"]
        guard isLimit, !others.contains(where: words.contains) else { return nil }
        if [
            "rate limit", "rate_limit", "rate exceeded", "per minute", "per second", "per hour",
            "requests per",
        ].contains(where: words.contains) {
            return Self.rateHint
        }
        return "the service holds as many credentials as it allows: revoke those that nobody needs"
            + " (wif-agent revoke, or at the service), or wait until they expire"
    }

    static let rateHint =
        "too many requests for now: nothing is wrong with the account; the agent waits and tries again by itself. Ask"
        + " less often: one agent that all programs read from in place of an exchange in each (get --fresh, exec in a"
        + " loop), and starts that are spread over some minutes"

    /// A value of the account file that the service repeats in its answer.
    private var namedValue: (key: String, value: String)? {
        var values = service.parameters.map { ("parameters.\($0.name)", $0.value) }
        values += service.scopes.map { ("scopes", $0) }
        values +=
            service.resources.map { ("resource", $0) } + service.audiences.map { ("audience", $0) }
        if let client = service.clientID { values.append(("clientId", client)) }
        let words = answer.words
        return values.first { $0.1.count > 2 && words.contains($0.1.lowercased()) }
            .map { (key: $0.0, value: $0.1) }
    }

    /// Words of which one must be in the answer, all in lower case, and the advice then; the next rule is
    /// looked at where that is `nil`.
    struct Rule: Sendable {
        let words: [String]
        let advice: @Sendable (Refusal) -> String?

        init(_ words: String..., advice: @escaping @Sendable (Refusal) -> String?) {
            self.words = words
            self.advice = advice
        }

        func isFitting(_ said: String) -> Bool { words.contains { said.contains($0) } }
    }

    /// The list of a vendor whose services are told by their address.
    struct Vendor: Sendable {
        let isThere: @Sendable (TokenExchangeService) -> Bool
        let rules: [Rule]
    }

    /// The service's own list of what goes wrong.
    private var rules: [Rule] {
        switch service.name {
        case .mondoo, .aws, .token: return []
        case .conductorone: return Self.conductorOne
        case .bright: return Self.bright
        case .google: return Self.google.rules
        case .oauth:
            let vendors = [
                Self.vault, Self.keycloak, Self.octoSTS, Self.okta, Self.anthropic, Self.google,
            ]
            let there = vendors.first { $0.isThere(service) }
            return Self.entra + (there?.rules ?? Self.googleLike)
        }
    }

    // MARK: What the answer holds

    /// The value that the answer has behind a phrase, without the quotes around it.
    func told(after phrase: String) -> String? {
        guard let text = answer.error?.text, let mark = text.firstRange(of: phrase) else {
            return nil
        }
        let edges: Set<Character> = ["\"", "'", "[", "]", "(", ")", "`", "<", ">", ","]
        let rest = text[mark.upperBound...].drop { $0 == " " || $0 == ":" || edges.contains($0) }
        var value = rest.prefix { !$0.isWhitespace && !edges.contains($0) }
        while let last = value.last, ".;:".contains(last) { value.removeLast() }
        return value.isEmpty ? nil : String(value).printable
    }

    /// What the account file had sent, key by key.
    var sent: String {
        var parts = service.parameters.map { "parameters.\($0.name) \($0.value.printable)" }
        if let client = service.clientID { parts.append("clientId \(client.printable)") }
        if let audience = service.audiences.first { parts.append("audience \(audience.printable)") }
        if let resource = service.resources.first { parts.append("resource \(resource.printable)") }
        if !service.scopes.isEmpty {
            parts.append("scopes \(service.scopes.joined(separator: " ").printable)")
        }
        return parts.isEmpty ? "the token alone" : parts.joined(separator: ", ")
    }

    /// A parameter of the account file's, for messages.
    func parameter(_ name: String) -> String? {
        service.parameters.first { $0.name == name }?.value.printable
    }

    /// The key of the account file that sets a parameter of the request.
    static func key(for parameter: String) -> String {
        switch parameter {
        case "client_id": "clientId"
        case "audience": "audience"
        case "scope": "scopes"
        case "resource": "resource"
        case "grant_type": "grant"
        case "subject_token_type": "subjectTokenType"
        case "requested_token_type": "requestedTokenType"
        case "actor_token": "actorToken"
        default: "parameters.\(parameter.printable)"
        }
    }

    // MARK: What is known of the token

    var issuer: String { claims?.issuer?.printable ?? "none" }
    var subject: String { claims?.subject?.printable ?? "none" }
    var clientID: String { service.clientID?.printable ?? "none was sent" }

    /// A claim of the token's, a list or an object as JSON; `nil` where the token lacks it.
    func value(ofClaim name: String) -> String? {
        claims?.all[name].map { value in
            (value.string ?? String(decoding: value.serialized(), as: UTF8.self)).printable
        }
    }

    var audiences: String {
        let audiences = claims?.audiences.joined(separator: " ").printable ?? ""
        return audiences.isEmpty ? "none" : audiences
    }

    /// The same without what is to be said of the subject.
    var platformFact: String {
        claims.flatMap { TokenFacts.of($0.all).advice }.map { "; \($0)" } ?? ""
    }

    /// What the platform of the token's issuer needs for a token that fits.
    var platformAdvice: String {
        guard let claims, let advice = TokenFacts.of(claims.all).advice else { return "" }
        return "; \(advice)\(subjectNote)"
    }

    /// What the subject's form may have to do with it.
    var subjectNote: String { claims?.subjectNote.map { "; \($0)" } ?? "" }
}
