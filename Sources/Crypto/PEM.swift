import Kernel
internal import Text

/// The first PEM block of a text: its label and its content. RFC 7468
struct PEMBlock {
    let label: String
    var content: [UInt8]

    /// - Throws: ``CryptoError/noPEM(expected:)``, ``CryptoError/otherPEM(expected:found:)``
    init(_ text: [UInt8], expecting expected: String) throws(CryptoError) {
        let lines = text.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        guard let start = lines.firstIndex(where: { PEMBlock.label($0, "BEGIN") != nil }),
            let label = PEMBlock.label(lines[start], "BEGIN"),
            let end = lines[start...].firstIndex(where: { PEMBlock.label($0, "END") == label })
        else { throw .noPEM(expected: expected) }
        guard label == expected else { throw .otherPEM(expected: expected, found: label) }
        var digits = lines[(start + 1)..<end].flatMap { $0 }
        digits.removeAll { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        defer { wipe(&digits) }
        guard let content = base64Decoded(digits), !content.isEmpty else {
            throw .noPEM(expected: expected)
        }
        self.label = label
        self.content = content
    }

    private static func label(_ line: ArraySlice<UInt8>, _ word: String) -> String? {
        let head = Array("-----\(word) ".utf8)
        let tail = Array("-----".utf8)
        var line = line
        while let last = line.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") {
            line.removeLast()
        }
        guard line.count <= 80, line.count > head.count + tail.count, line.starts(with: head),
            line.suffix(tail.count).elementsEqual(tail)
        else { return nil }
        let label = line.dropFirst(head.count).dropLast(tail.count)
        guard label.allSatisfy({ (0x20...0x7e).contains($0) }) else { return nil }
        return String(decoding: label, as: UTF8.self)
    }
}

/// The content as a PEM block of that label, in lines of 64 characters. RFC 7468
func pemText(_ label: String, _ content: [UInt8]) -> String {
    var lines = ["-----BEGIN \(label)-----"]
    var digits = base64Encoded(content)[...]
    while !digits.isEmpty {
        lines.append(String(digits.prefix(64)))
        digits = digits.dropFirst(64)
    }
    lines.append("-----END \(label)-----\n")
    return lines.joined(separator: "\n")
}
