/// The parts of an absolute URL with a host, as it is written: nothing is decoded or completed.
/// RFC 3986 section 3
package struct URLParts: Equatable, Sendable {
    /// As written, without the colon.
    package let scheme: String
    /// Name and password, where an `@` stands in the authority.
    package let userInfo: String?
    /// A name or address as written, of the characters that RFC 3986 allows; IPv6 without its brackets.
    package let host: String
    /// What follows the colon after the host, digits or not; `nil` where there is no colon.
    package let port: String?
    /// From the slash after the authority on; empty where there is none.
    package let path: String
    package let query: String?
    package let fragment: String?

    /// `nil` for a text without a scheme and `//`, without a host, or with characters in the host that
    /// none has: two programs may read those as two hosts.
    package init?(_ text: String) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            text[colon...].hasPrefix("://"),
            text.utf8.first?.isLetter == true,
            text[..<colon].isAlphanumeric(or: "+-.")
        else { return nil }
        scheme = String(text[..<colon])
        var rest = text[text.index(colon, offsetBy: 3)...]
        fragment = Self.cut("#", from: &rest)
        query = Self.cut("?", from: &rest)
        let end = rest.firstIndex(of: "/") ?? rest.endIndex
        path = String(rest[end...])
        var authority = rest[..<end]
        if let at = authority.lastIndex(of: "@") {
            userInfo = String(authority[..<at])
            authority = authority[authority.index(after: at)...]
        } else {
            userInfo = nil
        }
        guard let (host, port) = Self.hostAndPort(authority) else { return nil }
        (self.host, self.port) = (String(host), port.map(String.init))
    }

    private static func cut(_ mark: Character, from rest: inout Substring) -> String? {
        guard let start = rest.firstIndex(of: mark) else { return nil }
        defer { rest = rest[..<start] }
        return String(rest[rest.index(after: start)...])
    }

    /// Section 3.2.2; a zone of an IPv6 address (RFC 6874) is part of it.
    private static func hostAndPort(_ text: Substring) -> (host: Substring, port: Substring?)? {
        if text.first == "[" {
            guard let close = text.firstIndex(of: "]") else { return nil }
            let host = text[text.index(after: text.startIndex)..<close]
            let rest = text[text.index(after: close)...]
            guard host.contains(":"), host.isAlphanumeric(or: ":.%-_~"),
                rest.isEmpty || rest.first == ":"
            else { return nil }
            return (host, rest.isEmpty ? nil : rest.dropFirst())
        }
        let colon = text.firstIndex(of: ":")
        let host = text[..<(colon ?? text.endIndex)]
        guard !host.isEmpty, host.isAlphanumeric(or: "-._~!$&'()*+,;=%") else { return nil }
        return (host, colon.map { text[text.index(after: $0)...] })
    }
}

extension String {
    /// What follows a URL's `://`; the whole text where that is not in it.
    package var withoutScheme: String {
        firstRange(of: "://").map { String(self[$0.upperBound...]) } ?? self
    }
}
