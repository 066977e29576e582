/// Standard base64 with padding, no line breaks. RFC 4648 section 4
package func base64Encoded(_ bytes: some Collection<UInt8>) -> String {
    encoded(bytes, standardAlphabet, isPadded: true)
}

/// Base64url without padding, as JOSE writes it. RFC 4648 section 5, RFC 7515 section 2
package func base64URLEncoded(_ bytes: some Collection<UInt8>) -> String {
    encoded(bytes, urlAlphabet, isPadded: false)
}

/// The bytes of standard base64 with its padding; `nil` for any other character, white space
/// included, for a wrong length, and for bits that no encoder would have set. RFC 4648 section 4
package func base64Decoded(_ text: String) -> [UInt8]? {
    base64Decoded(text.utf8)
}

/// As ``base64Decoded(_:)-(String)``, for digits that must not become a `String`: a key's.
package func base64Decoded(_ text: some BidirectionalCollection<UInt8>) -> [UInt8]? {
    var digits = text[...]
    guard digits.count.isMultiple(of: 4) else { return nil }
    for _ in 0..<2 where digits.last == UInt8(ascii: "=") { digits.removeLast() }
    return decoded(digits, standardAlphabet)
}

/// The bytes of base64url without padding; `nil` for any other character, padding and white space
/// included, for a wrong length, and for bits that no encoder would have set. RFC 4648 section 5
package func base64URLDecoded(_ text: String) -> [UInt8]? {
    decoded(text.utf8, urlAlphabet)
}

private let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
private let standardAlphabet = Array((letters + "+/").utf8)
private let urlAlphabet = Array((letters + "-_").utf8)

private func encoded(
    _ bytes: some Collection<UInt8>,
    _ alphabet: [UInt8],
    isPadded: Bool
) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var bits: UInt32 = 0
    var width = 0
    for byte in bytes {
        bits = bits << 8 | UInt32(byte)
        width += 8
        while width >= 6 {
            width -= 6
            text.append(alphabet[Int(bits >> width & 63)])
        }
    }
    if width > 0 { text.append(alphabet[Int(bits << (6 - width) & 63)]) }
    while isPadded && !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) }
    return String(decoding: text, as: UTF8.self)
}

private func decoded(_ digits: some Collection<UInt8>, _ alphabet: [UInt8]) -> [UInt8]? {
    guard digits.count % 4 != 1 else { return nil }
    var values = [UInt8](repeating: 255, count: 256)
    for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 4 * 3 + 2)
    var bits: UInt32 = 0
    var width = 0
    for digit in digits {
        let value = values[Int(digit)]
        guard value != 255 else { return nil }
        bits = bits << 6 | UInt32(value)
        width += 6
        if width >= 8 {
            width -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> width))
        }
    }
    return bits & (1 << width - 1) == 0 ? bytes : nil
}
