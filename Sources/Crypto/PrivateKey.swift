import COpenSSL
package import Kernel
import Text

/// A private key that signs: RSA of 2048 bits or more, P-256, P-384 or Ed25519.
package final class PrivateKey: Sendable {
    /// The kinds of keys that are made here.
    package enum Kind: Sendable, CaseIterable {
        case p256
        case p384
        case rsa2048
        case ed25519
    }

    let key: Key

    /// Reads an unencrypted PKCS#8 key; the first PEM block must be `PRIVATE KEY`. RFC 5208
    ///
    /// - Throws: ``CryptoError/noPEM(expected:)``; ``CryptoError/otherPEM(expected:found:)`` for the older
    ///   `EC PRIVATE KEY` and `RSA PRIVATE KEY` and for encrypted keys;
    ///   ``CryptoError/malformed(what:reason:)``; ``CryptoError/unsupportedKey(_:)``
    package init(pem: Secret) throws(CryptoError) {
        var text = pem.bytes
        defer { wipe(&text) }
        var content = try pemContent(text, expecting: "PRIVATE KEY")
        defer { wipe(&content) }
        guard let raw = unsafe decodePrivateKey(content) else {
            throw .malformed(what: "private key", reason: drainedReasons())
        }
        key = unsafe try Key(owning: raw)
    }

    private init(_ key: Key) {
        self.key = key
    }

    /// Makes a new key.
    ///
    /// - Throws: ``CryptoError/failed(doing:reason:)``
    package static func generate(_ kind: Kind) throws(CryptoError) -> PrivateKey {
        let raw =
            switch kind {
            case .p256: unsafe wif_generate_ec("P-256")
            case .p384: unsafe wif_generate_ec("P-384")
            case .rsa2048: unsafe wif_generate_rsa(2048)
            case .ed25519: unsafe wif_generate_ed25519()
            }
        guard let raw = unsafe raw else { throw .failure("generating a key") }
        return PrivateKey(unsafe try Key(owning: raw))
    }

    /// The key as a PKCS#8 PEM block. RFC 5208
    ///
    /// - Throws: ``CryptoError/failed(doing:reason:)``
    package func pem() throws(CryptoError) -> Secret {
        guard let information = unsafe EVP_PKEY2PKCS8(key.raw) else {
            throw .failure("encoding a key")
        }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(information) }
        var content = unsafe encoded { unsafe i2d_PKCS8_PRIV_KEY_INFO(information, $0) }
        defer { wipe(&content) }
        return Secret(try pemText("PRIVATE KEY", content))
    }

    /// `nil` for a key of a size that is not made here, such as RSA of 4096 bits or P-521.
    package var kind: Kind? {
        switch key.algorithm {
        case .es256: .p256
        case .es384: .p384
        case .edDSA: .ed25519
        case .es512: nil
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512:
            unsafe EVP_PKEY_get_bits(key.raw) == 2048 ? .rsa2048 : nil
        }
    }

    /// The public half, with `kty`, `kid`, `use`, `alg` and its numbers. RFC 7517, RFC 7518 section 6
    package func publicJWK(keyID: String) -> [String: String] {
        var jwk = ["kid": keyID, "use": "sig", "alg": key.algorithm.rawValue]
        jwk["crv"] = key.algorithm.curve
        let size = key.algorithm.coordinateSize
        switch key.algorithm {
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512:
            jwk["kty"] = "RSA"
            jwk["n"] = key.number("n").map { base64URLEncoded($0) }
            jwk["e"] = key.number("e").map { base64URLEncoded($0) }
        case .es256, .es384, .es512:
            jwk["kty"] = "EC"
            jwk["x"] = key.number("qx", width: size).map { base64URLEncoded($0) }
            jwk["y"] = key.number("qy", width: size).map { base64URLEncoded($0) }
        case .edDSA:
            jwk["kty"] = "OKP"
            jwk["x"] = key.rawPublicBytes.map { base64URLEncoded($0) }
        }
        return jwk
    }
}

private func decodePrivateKey(_ content: [UInt8]) -> OpaquePointer? {
    unsafe content.withUnsafeBufferPointer { buffer in
        var position = buffer.baseAddress
        guard
            let information = unsafe d2i_PKCS8_PRIV_KEY_INFO(nil, &position, buffer.count)
        else { return nil }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(information) }
        return unsafe EVP_PKCS82PKEY(information)
    }
}

/// The bytes an `i2d_` function writes; empty if it cannot. `i2d_X509(3)`
@unsafe
func encoded(
    _ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
) -> [UInt8] {
    let size = write(nil)
    guard size > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: Int(size))
    unsafe bytes.withUnsafeMutableBufferPointer { buffer in
        var position = buffer.baseAddress
        _ = unsafe write(&position)
    }
    return bytes
}
