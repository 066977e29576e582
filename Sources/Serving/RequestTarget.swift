import Text

/// A request target taken apart: path and query decoded. RFC 9112 3.2
struct RequestTarget: Equatable {
    let path: String
    let query: [HTTPField]

    /// Accepts the origin form, the absolute form of `http` and `https`, and `*`.
    init(parsing target: some StringProtocol) throws(HTTPRequestError) {
        if target == "*" {
            (path, query) = ("*", [])
            return
        }
        let (path, query) = try RequestTarget.parts(of: target)
        guard let decoded = percentDecoded(path) else {
            throw .malformed("the target's path is badly encoded")
        }
        self.path = decoded
        self.query = try RequestTarget.fields(of: query)
    }

    private static func parts<Text: StringProtocol>(
        of target: Text
    ) throws(HTTPRequestError) -> (path: Text.SubSequence, query: Text.SubSequence) {
        var rest = target[...]
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            let authority = target.dropFirst(scheme.count)
            guard let slash = authority.firstIndex(of: "/") else {
                throw .malformed("the target has no path")
            }
            rest = authority[slash...]
        }
        guard rest.hasPrefix("/"), !rest.contains("#") else {
            throw .malformed("the target is not a path")
        }
        guard let mark = rest.firstIndex(of: "?") else { return (rest, rest[rest.endIndex...]) }
        return (rest[..<mark], rest[rest.index(after: mark)...])
    }

    private static func fields(
        of query: some StringProtocol
    ) throws(HTTPRequestError) -> [HTTPField] {
        guard let fields = formFields(query) else {
            throw .malformed("the target's query is badly encoded")
        }
        return fields
    }
}

/// Decodes `a=b&c=d` as forms write it, `+` for a space; `nil` where an escape is broken.
/// `application/x-www-form-urlencoded`
package func formFields(_ text: some StringProtocol) -> [HTTPField]? {
    var fields: [HTTPField] = []
    for pair in text.split(separator: "&") {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = percentDecoded(parts[0], plusIsSpace: true),
            let value = percentDecoded(parts.count > 1 ? parts[1] : "", plusIsSpace: true)
        else { return nil }
        fields.append(HTTPField(name, value))
    }
    return fields
}

/// `nil` for a broken escape, an escaped NUL, or bytes that are not UTF-8.
func percentDecoded(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "%"):
            guard let high = rest.popFirst().flatMap(hexDigit),
                let low = rest.popFirst().flatMap(hexDigit), high | low != 0
            else { return nil }
            bytes.append(high << 4 | low)
        case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
        default: bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}

/// The digit's value; `nil` for what is no hexadecimal digit.
func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
