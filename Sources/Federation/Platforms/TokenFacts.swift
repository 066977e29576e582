package import Text

/// What is known of a platform's tokens: how to tell them, how their subject is built, and which claims
/// say which workload it is.
package struct TokenFacts: Sendable {
    /// Who signs them, as people call it.
    package let name: String
    /// Whether a token with these claims is one of them, where its issuer's host does not tell.
    var areIts: @Sendable (_ issuer: IssuerURL, _ claims: JSON) -> Bool = { _, _ in false }
    /// The subject goes on with something that changes after the last of these; it is the same for every
    /// token of a workload where there are none.
    var stableUpTo: [String] = []
    /// What to say of a subject, where the platform has more to say than that a part of it changes.
    var subjectRemark: @Sendable (String) -> String? = { _ in nil }
    /// Whose token it is by its claims, in words that its owner knows; `nil` where there is nothing to say.
    var identityRemark: @Sendable (JSON) -> String? = { _ in nil }
    /// Paths of claims worth pinning, the most telling first; those that a token lacks are passed over.
    package var claims: [[String]] = []
    /// What to check when a service says that the claims do not fit; reads after a semicolon.
    package var advice: String?

    /// What a token lacks that another one of the same job has, and how to have that one used; `nil` where it
    /// lacks nothing.
    package var lack: @Sendable (JSON) -> String? = { _ in nil }

    /// What to do where a token is too old that the platform keeps, and gives again, for hours; `nil` where it
    /// makes a new one each time.
    package var keptAdvice: String?

    /// How a job or pod has its tokens made for another audience, or that it cannot; the wanted one stands in
    /// it as AUDIENCE. `nil` where `tokenAudience` is what asks for it.
    package var audienceAdvice: String?

    /// Whose token it is by its claims; those of an unknown issuer where no platform's fits.
    package static func of(_ claims: JSON) -> TokenFacts {
        let issuer = IssuerURL(claims["iss"]?.string ?? "")
        let facts = TokenPlatform.allCases.map(\.facts)
        let issued = facts.first { $0.tokens != nil && $0.issuers?.hasHost(issuer.host) == true }
        return issued?.tokens
            ?? facts.lazy.compactMap(\.tokens).first { $0.areIts(issuer, claims) } ?? unknown
    }

    /// What to say of a subject that is not the same for each token of a workload, or not the one that was
    /// meant; `nil` where nothing is to be said.
    fileprivate func subjectNote(_ claims: JSON) -> String? {
        guard let subject = claims["sub"]?.string else { return nil }
        if let note = subjectRemark(subject) { return note }
        let stable = stableSubject(subject)
        guard !stable.isWhole else { return nil }
        let pinned = self.claims.compactMap { path -> String? in
            guard let value = path.reduce(claims as JSON?, { $0?[$1] })?.string else { return nil }
            return "\(path.joined(separator: ".")) (\(value.printable))"
        }
        let end = String(subject.dropFirst(stable.text.count)).printable
        let named = pinned.isEmpty ? "" : ", \(pinned.prefix(3).joined(separator: ", "))"
        return
            "\(end) at the sub's end is another from one token to the next: do not match on the whole sub, but on"
            + " claims that stay\(named); wif-agent claims prints conditions to enter"
    }

    private static let unknown = TokenFacts(
        name: "an issuer that is not known here",
        claims: [
            ["organization"], ["org_id"], ["repository"], ["project"], ["project_id"],
            ["environment"], ["pipeline"], ["workflow"], ["ref"], ["email"],
        ]
    )

    /// The subject, or the part of it that stays the same; whether it is the whole.
    package func stableSubject(_ subject: String) -> (text: String, isWhole: Bool) {
        guard !subject.isEmpty else { return (subject, true) }
        for mark in stableUpTo {
            if let end = subject.endOfLast(mark) { return (String(subject[..<end]), false) }
        }
        return (subject, true)
    }
}

/// The issuers of a platform that every service knows.
package struct KnownIssuers: Sendable {
    /// Whose they are ("GitHub").
    let owner: String
    /// Their hosts; one that begins with `*` stands for all that end so.
    let hosts: [String]

    init(of owner: String, _ hosts: String...) {
        self.owner = owner
        self.hosts = hosts
    }

    /// Whose issuers the host has; `nil` for one that a service has to ask.
    package static func owner(ofHost host: String) -> String? {
        TokenPlatform.allCases.lazy.compactMap(\.facts.issuers).first { $0.hasHost(host) }?.owner
    }

    /// The host that was meant by one that differs in a letter or two; `nil` where it is none, or right.
    static func host(near host: String) -> String? {
        guard owner(ofHost: host) == nil else { return nil }
        let known = TokenPlatform.allCases.compactMap(\.facts.issuers).flatMap(\.hosts)
        return known.first { $0.count > 9 && !$0.hasPrefix("*") && editDistance(host, $0) <= 2 }
    }

    fileprivate func hasHost(_ host: String) -> Bool {
        hosts.contains { $0.hasPrefix("*") ? host.hasSuffix($0.dropFirst()) : host == $0 }
    }
}

/// A token's `iss`, which may be no URL at all.
struct IssuerURL {
    let text: String
    let host: String

    init(_ text: String) {
        self.text = text
        let parts = text.split(separator: "/", omittingEmptySubsequences: true)
        host = String(parts.dropFirst().first ?? "")
    }
}

extension String {
    /// Where the last occurrence of a text ends.
    fileprivate func endOfLast(_ part: String) -> Index? {
        indices.last { self[$0...].hasPrefix(part) }.map { index($0, offsetBy: part.count) }
    }
}

extension TokenPlatform {
    /// Whose issuer it is; `nil` for one that is not known.
    package static func ofIssuer(_ issuer: String) -> TokenPlatform? {
        let host = IssuerURL(issuer).host
        return allCases.first { $0.facts.issuers?.hasHost(host) == true }
    }
}

extension TokenClaims {
    /// Whose token it is, in words that its owner knows; `nil` where there is nothing to say.
    package var identityRemark: String? { TokenFacts.of(all).identityRemark(all) }

    /// What to say of the subject where a service refuses it; `nil` where nothing is to be said.
    package var subjectNote: String? {
        GitHubSubject.refusalNote(all) ?? TokenFacts.of(all).subjectNote(all)
    }
}
