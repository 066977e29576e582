import Text

/// A header field, or a name and value of a query.
package struct HTTPField: Equatable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension [HTTPField] {
    /// The value of the first field of that name, which is compared as it is written.
    package subscript(name: String) -> String? {
        first { $0.name == name }?.value
    }

    /// The comma-separated members of all fields of that name, lower-cased. RFC 9110 5.6.1
    func members(of name: String) -> [String] {
        self.filter { $0.name == name }
            .flatMap { $0.value.split(separator: ",") }
            .map { trimmed($0).lowercased() }
            .filter { !$0.isEmpty }
    }
}

private func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " || $0 == "\t" }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
}

/// Reads header lines (without the empty line that ends them); names come back in lower case.
///
/// Strict: no white space before the colon, no folded lines, no control characters (RFC 9112 5).
func fields(
    parsing lines: some Sequence<ArraySlice<UInt8>>,
    limits: ServingLimits
) throws(HTTPRequestError) -> [HTTPField] {
    var fields: [HTTPField] = []
    for line in lines {
        guard fields.count < limits.fieldCount else { throw .fieldsTooLarge }
        fields.append(try field(parsing: line))
    }
    return fields
}

private func field(parsing line: ArraySlice<UInt8>) throws(HTTPRequestError) -> HTTPField {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
        throw .malformed("a header line has no name")
    }
    let name = line[..<colon]
    guard name.allSatisfy(isTokenByte) else {
        throw .malformed("a header name holds a character that is not allowed")
    }
    var value = line[(colon + 1)...].drop(while: isBlank)
    while let last = value.last, isBlank(last) { value.removeLast() }
    guard value.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
        throw .malformed("a header value holds a control character")
    }
    return HTTPField(
        String(decoding: name, as: UTF8.self).lowercased(),
        String(decoding: value, as: UTF8.self)
    )
}

private func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09
}

/// Whether the byte may stand in a method or header name. RFC 9110 5.6.2
func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default:
        "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
