extension UInt8 {
    /// `0` to `9`.
    package var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    /// `a` to `z`.
    package var isLower: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
    /// `A` to `Z`.
    package var isUpper: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
    /// A letter of ASCII.
    package var isLetter: Bool { isLower || isUpper }
    /// A letter or digit of ASCII.
    package var isAlphanumeric: Bool { isLetter || isDigit }
}

extension Collection<UInt8> {
    /// Whether there is at least one byte, and each is a digit.
    package var isNumber: Bool { !isEmpty && allSatisfy(\.isDigit) }
}

extension Sequence<UInt8> {
    /// Whether each byte is a visible ASCII character, blanks excluded, as tokens and URLs are made of.
    /// RFC 6749 appendix A.12
    package var isVisibleASCII: Bool { allSatisfy { (0x21...0x7E).contains($0) } }
}

/// Bytes as lower-case hexadecimal digits.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
}

extension StringProtocol {
    /// Whether it is of ASCII letters, digits and the further characters alone.
    package func isAlphanumeric(or further: String) -> Bool {
        utf8.allSatisfy { $0.isAlphanumeric || further.utf8.contains($0) }
    }
}
