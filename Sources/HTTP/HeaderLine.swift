import Kernel
import Text

/// A header field as libcurl takes it.
struct HeaderLine {
    let text: String

    /// `nil` for a name that is no token and a value with a control character. RFC 9110 section 5.5
    init?(_ field: HTTPHeader) {
        let isSound =
            !field.name.isEmpty && field.name.utf8.allSatisfy(isTokenCharacter)
            && field.value.withBytes { bytes in
                (0..<bytes.byteCount).allSatisfy { index in
                    let byte = unsafe bytes.unsafeLoadUnaligned(
                        fromByteOffset: index,
                        as: UInt8.self
                    )
                    return byte >= 0x20 && byte != 0x7f || byte == 0x09
                }
            }
        guard isSound else { return nil }
        let value = field.value.text
        // For libcurl a colon with nothing after it means to leave the header out.
        let isEmpty = value.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 }
        text = isEmpty ? "\(field.name);" : "\(field.name): \(value)"
    }
}

/// Whether a method or a field name may have this byte. RFC 9110 section 5.6.2
func isTokenCharacter(_ byte: UInt8) -> Bool {
    byte.isAlphanumeric || tokenMarks.contains(byte)
}

private let tokenMarks = Array("!#$%&'*+-.^_`|~".utf8)
