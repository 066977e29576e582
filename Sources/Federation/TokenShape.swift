package import Kernel
import Text

/// What a text is that should be a subject token and has not the form of a JWT: what somebody most likely
/// handed over in its place. Says nothing of the text itself, which may be a secret.
package struct TokenShape: Equatable, Sendable {
    /// Reads after a colon: "the token is JSON".
    package let text: String
    /// What to change.
    package let hint: String

    private init(_ text: String, _ hint: String) {
        (self.text, self.hint) = (text, hint)
    }

    /// `nil` for a JWT, a signed request to AWS, and what is like nothing that is known.
    package init?(of token: Secret) {
        let text = token.text.trimmed
        let found =
            Self.wrapped(text, token) ?? Self.ofAnotherKind(text) ?? Self.lines(text)
            ?? Self.cut(text)
        guard let found else { return nil }
        self = found
    }

    /// A text that a service takes for no token at all, where nothing more is known.
    package static func unknown(for service: String) -> TokenShape {
        TokenShape(
            "the text that the source gave is not a JWT",
            "\(service) takes an OIDC ID token, three parts of base64url divided by dots: have the"
                + " source give one, or name another credentialSource"
        )
    }

    // MARK: Something around the token

    private static func wrapped(_ text: String, _ token: Secret) -> TokenShape? {
        if text.hasPrefix("{") {
            guard SignedRequestSummary(decoding: token) == nil else { return nil }
            if text.contains("\"private_key\"") {
                return TokenShape(
                    "it is a service account with a private key, not a token",
                    "a service account needs no agent and no exchange: use it as it is, or name"
                        + " a source that gives a token"
                )
            }
            return TokenShape(
                "the token is JSON",
                "name its member with credentialSource.format"
                    + " {\"type\": \"json\", \"subjectTokenFieldName\": NAME}"
            )
        }
        if text.hasPrefix("\u{FEFF}") {
            return TokenShape(
                "a byte order mark is before the token",
                "save the file as UTF-8 without the mark"
            )
        }
        if text.lowercased().hasPrefix("bearer ") {
            return TokenShape("the word Bearer is before the token", "give only the token")
        }
        if text.hasPrefix("\"") || text.hasPrefix("'") {
            return TokenShape(
                "the token is in quotes",
                "write it without the quotes: jq -r (not jq) prints it so; or, where the file is JSON as a whole, name"
                    + " credentialSource.format"
            )
        }
        if text.hasPrefix("[") {
            return TokenShape("the token is a JSON list", "give one token, without the list")
        }
        if token.bytes.contains(0) {
            return TokenShape("the token is in UTF-16", "save the file as UTF-8")
        }
        if text.hasPrefix("<") { return markup(text) }
        // The name is part of what may be a secret, and not shown.
        if let mark = text.firstIndex(of: "="),
            text[..<mark].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == " " }),
            !text[mark...].allSatisfy({ $0 == "=" })
        {
            return TokenShape("a name and = are before the token", "give only the token")
        }
        return nil
    }

    /// More lines than one: a token that was wrapped, or more than a token.
    private static func lines(_ text: String) -> TokenShape? {
        let lines = text.split(whereSeparator: \.isNewline)
        guard lines.count > 1 else { return nil }
        if lines.joined().count(where: { $0 == "." }) == 2,
            lines.allSatisfy({ $0.utf8.isVisibleASCII })
        {
            return TokenShape(
                "there are line breaks in the token",
                "write the token on one line: tr -d '\\n' removes the breaks"
            )
        }
        return TokenShape("there is more than one line", "give only one token")
    }

    private static func markup(_ text: String) -> TokenShape {
        guard text.lowercased().hasPrefix("<saml") else {
            return TokenShape(
                "it is an HTML page",
                "see what answers at the url or in the file of credentialSource; a login page"
                    + " stands where a request is not authenticated"
            )
        }
        return TokenShape(
            "it is a SAML assertion, not a JWT",
            "have the identity provider give an OIDC ID token"
        )
    }

    // MARK: Something else

    /// Of no platform's.
    private static let kinds = [
        OtherTokens(
            marks: ["hvs.", "hvb."],
            text: "it is a token of Vault's, not a JWT",
            hint: "read an identity token from Vault (identity/oidc/token/ROLE)"
        ),
        OtherTokens(
            marks: ["-----BEGIN"],
            text: "it is a private key or a certificate, not a token",
            hint: "name the file or variable that holds the token; a private key is not a token"
        ),
    ]

    private static func ofAnotherKind(_ text: String) -> TokenShape? {
        let others = TokenPlatform.allCases.compactMap(\.facts.otherTokens)
        if let other = (others + kinds).first(where: { $0.marks.contains(where: text.hasPrefix) }) {
            return TokenShape(other.text, other.hint)
        }
        if text.hasPrefix("/") {
            return TokenShape(
                "it is the path of a file, not a token",
                "name the file: credentialSource {\"file\": PATH}"
            )
        }
        if text.hasPrefix("https://") || text.hasPrefix("http://") {
            return TokenShape(
                "it is a URL, not a token",
                "name the URL: credentialSource {\"url\": URL}"
            )
        }
        // "eyJ" encoded once more.
        if text.hasPrefix("ZXlK") {
            return TokenShape(
                "the token is encoded once more, in base64",
                "decode it first: base64 -d"
            )
        }
        return nil
    }

    // MARK: Part of a token

    private static func cut(_ text: String) -> TokenShape? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.hasPrefix("eyJ") else { return nil }
        switch parts.count {
        case 5:
            return TokenShape(
                "the token is encrypted (a JWE, of five parts)",
                "have the issuer give a signed token (a JWS, of three parts)"
            )
        case 3 where parts[2].isEmpty:
            return TokenShape(
                "the token's signature is empty",
                "give the whole token, with its third part"
            )
        case 3: return nil
        default:
            return TokenShape(
                "the token has \(parts.count == 2 ? "two" : String(parts.count)) parts of a JWT's"
                    + " three",
                "give the whole token, its signature included"
            )
        }
    }
}
