import COpenSSL

/// What went wrong with a key, a certificate, a signature or a TLS handshake.
package enum CryptoError: Error, Equatable, CustomStringConvertible {
    /// There is no PEM block at all, or it is cut off or not base64. RFC 7468
    case noPEM(expected: String)
    /// The first PEM block is of another type.
    case otherPEM(expected: String, found: String)
    /// The block's content is not what its label says.
    case malformed(what: String, reason: String)
    /// A sound key of a type or size that is not used here.
    case unsupportedKey(String)
    /// OpenSSL refused an operation.
    case failed(doing: String, reason: String)
    /// The TLS peer ended the handshake, or it could not be agreed on.
    case handshake(reason: String)

    package var description: String {
        switch self {
        case .noPEM(let expected): "no PEM block '\(expected)'"
        case .otherPEM(let expected, let found): "PEM block '\(found)' instead of '\(expected)'"
        case .malformed(let what, let reason): "\(what) is malformed: \(reason)"
        case .unsupportedKey(let found): "\(found) is not supported"
        case .failed(let doing, let reason): "\(doing) failed: \(reason)"
        case .handshake(let reason): "TLS handshake failed: \(reason)"
        }
    }
}

extension CryptoError {
    static func failure(_ doing: String) -> CryptoError {
        .failed(doing: doing, reason: drainedReasons())
    }
}

/// Takes OpenSSL's error queue of this thread, as text; the next error then tells of itself alone.
/// `ERR_get_error(3)`
func drainedReasons() -> String {
    var reasons: [String] = []
    while true {
        let code = ERR_get_error()
        if code == 0 { break }
        if let text = unsafe ERR_reason_error_string(code) {
            unsafe reasons.append(String(cString: text))
        } else {
            reasons.append("error \(code)")
        }
    }
    return reasons.isEmpty ? "no reason given" : reasons.joined(separator: ", ")
}
