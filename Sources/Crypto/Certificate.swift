import COpenSSL
package import Kernel

/// An X.509 certificate. Its dates and its key are read; whom it names, and who signed it, is not judged.
package struct Certificate: Sendable {
    let handle: CertificateHandle

    /// The first moment of its validity, whole seconds.
    package let notBefore: WallTime
    /// The last moment of its validity, whole seconds. The year 9999 means that there is none
    /// (RFC 5280 section 4.1.2.5); it is given as it is.
    package let notAfter: WallTime

    /// Reads the first PEM block, which must be `CERTIFICATE`; what follows it is ignored.
    ///
    /// - Throws: ``CryptoError/noPEM(expected:)``, ``CryptoError/otherPEM(expected:found:)``,
    ///   ``CryptoError/malformed(what:reason:)``
    package init(pem: [UInt8]) throws(CryptoError) {
        let content = try pemContent(pem, expecting: "CERTIFICATE")
        let raw = unsafe content.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            return unsafe d2i_X509(nil, &position, buffer.count)
        }
        guard let raw = unsafe raw else {
            throw .malformed(what: "certificate", reason: drainedReasons())
        }
        try self.init(unsafe CertificateHandle(owning: raw))
    }

    init(_ handle: CertificateHandle) throws(CryptoError) {
        self.handle = handle
        notBefore = unsafe try date(X509_get0_notBefore(handle.raw), "notBefore")
        notAfter = unsafe try date(X509_get0_notAfter(handle.raw), "notAfter")
    }

    /// Whether the certificate is about this key: both public halves are equal.
    package func belongs(to key: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        guard let own = unsafe X509_get0_pubkey(handle.raw) else { return false }
        return unsafe EVP_PKEY_eq(own, key.key.raw) == 1
    }

    /// The certificate as a PEM block. RFC 7468
    ///
    /// - Throws: ``CryptoError/failed(doing:reason:)``
    package var pem: String {
        get throws(CryptoError) {
            let content = unsafe encoded { unsafe i2d_X509(handle.raw, $0) }
            return String(decoding: try pemText("CERTIFICATE", content), as: UTF8.self)
        }
    }
}

/// One reference to an OpenSSL certificate. Safe to share: it is never changed once it is here, and
/// OpenSSL counts references and fills its caches under locks of its own.
@safe
final class CertificateHandle: Sendable {
    nonisolated(unsafe) let raw: OpaquePointer

    /// Takes ownership of the reference.
    init(owning raw: OpaquePointer) {
        unsafe self.raw = raw
    }

    deinit {
        unsafe X509_free(raw)
    }
}

// ASN1_TIME_diff knows UTCTime's century (RFC 5280 section 4.1.2.5.1) and needs no `struct tm`.
private func date(
    _ time: UnsafePointer<ASN1_TIME>?,
    _ name: String
) throws(CryptoError) -> WallTime {
    guard let epoch = unsafe ASN1_TIME_set(nil, 0) else { throw .failure("reading a date") }
    defer { unsafe ASN1_TIME_free(epoch) }
    var days: Int32 = 0
    var seconds: Int32 = 0
    guard unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else {
        ERR_clear_error()
        throw .malformed(what: "certificate", reason: "\(name) is not a date")
    }
    return WallTime(secondsSinceEpoch: Double(days) * 86_400 + Double(seconds))
}
