/// The subject of a GitHub Actions token, or the beginning of one, in either of its forms:
/// `repo:OWNER/NAME:…` and, with ids that a rename does not change, `repo:OWNER@ID/NAME@ID:…`, the
/// default of repositories created, renamed or moved after 2026-07-15. GitHub's OpenID Connect reference
struct GitHubSubject: Equatable {
    /// Whether owner and repository bear their ids.
    let isImmutable: Bool
    /// The same without ids.
    let plain: String

    /// `nil` for what is no subject of GitHub's.
    init?(_ text: String) {
        guard text.hasPrefix("repo:") else { return nil }
        let rest = text.dropFirst("repo:".count)
        let repository = rest.prefix { $0 != ":" }
        let names = repository.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(names.count), names[0].isEmpty == false else { return nil }
        let pairs = names.map { Self.withoutID($0) }
        isImmutable = pairs[0].hasID
        plain =
            "repo:" + pairs.map(\.name).joined(separator: "/") + rest.dropFirst(repository.count)
    }

    private static func withoutID(_ name: Substring) -> (name: Substring, hasID: Bool) {
        guard let mark = name.lastIndex(of: "@") else { return (name, false) }
        let digits = name[name.index(after: mark)...]
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            return (name, false)
        }
        return (name[..<mark], true)
    }

    /// The form in words.
    var form: String {
        isImmutable
            ? "GitHub's immutable form, with ids (repo:OWNER@ID/NAME@ID:…)"
            : "GitHub's form without ids (repo:OWNER/NAME:…)"
    }

    /// What to say where a trust has one form and the token the other; `nil` where that is not so.
    static func difference(trusted: String, token: String?) -> String? {
        guard let token, let trusted = GitHubSubject(trusted), let found = GitHubSubject(token),
            trusted.isImmutable != found.isImmutable
        else { return nil }
        return "the token's sub is in \(found.form), the trusted one in \(trusted.form)"
    }
}
