internal import COpenSSL
import Kernel
internal import Text

/// A public key that verifies what the matching ``PrivateKey`` signed.
package struct PublicKey: Sendable {
    let key: Key
    /// The JWK's `alg`, beside which no other is taken; `nil` where it has none.
    private(set) var statedAlgorithm: Algorithm?

    /// Reads a JWK; members that do not matter here are ignored. RFC 7517, RFC 7518 section 6, RFC 8037
    ///
    /// - Throws: ``CryptoError/malformed(what:reason:)`` when a member is missing, is no base64url or does
    ///   not fit the others (a point off the curve, an `alg` of another type, a `use` other than `sig`);
    ///   ``CryptoError/unsupportedKey(_:)``
    package init(jwk: [String: String]) throws(CryptoError) {
        if let use = jwk["use"], use != "sig" {
            throw .malformed(what: "JWK", reason: "use is '\(use)'")
        }
        key = unsafe try Key(owning: PublicKey.decode(try PublicKey.information(jwk)))
        guard let name = jwk["alg"] else { return }
        statedAlgorithm = Algorithm(rawValue: name)
        guard let statedAlgorithm, statedAlgorithm.fits(key.algorithm) else {
            throw .malformed(what: "JWK", reason: "alg '\(name)' does not fit the key")
        }
    }

    private static func decode(_ information: [UInt8]) throws(CryptoError) -> OpaquePointer {
        let raw = unsafe information.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            return unsafe d2i_PUBKEY(nil, &position, buffer.count)
        }
        guard let raw = unsafe raw else {
            throw .malformed(what: "JWK", reason: drainedReasons())
        }
        return unsafe raw
    }

    /// The SubjectPublicKeyInfo of a JWK. RFC 5280 section 4.1.2.7, RFC 3279, RFC 5480, RFC 8410
    private static func information(_ jwk: [String: String]) throws(CryptoError) -> [UInt8] {
        switch (jwk["kty"], jwk["crv"]) {
        case ("RSA", _):
            let numbers = derInteger(try number(jwk, "n")) + derInteger(try number(jwk, "e"))
            return der(0x30, rsaIdentifier + der(0x03, [0] + der(0x30, numbers)))
        case ("EC", "P-256"): return try ecInformation(jwk, p256Identifier, size: 32)
        case ("EC", "P-384"): return try ecInformation(jwk, p384Identifier, size: 48)
        case ("EC", "P-521"): return try ecInformation(jwk, p521Identifier, size: 66)
        case ("OKP", "Ed25519"):
            let point = try number(jwk, "x", size: 32)
            return der(0x30, ed25519Identifier + der(0x03, [0] + point))
        case (let type, let curve):
            throw .unsupportedKey("a JWK of kty '\(type ?? "")' and crv '\(curve ?? "")'")
        }
    }

    private static func ecInformation(
        _ jwk: [String: String],
        _ identifier: [UInt8],
        size: Int
    ) throws(CryptoError) -> [UInt8] {
        let point = try number(jwk, "x", size: size) + number(jwk, "y", size: size)
        return der(0x30, identifier + der(0x03, [0, 4] + point))
    }

    private static func number(
        _ jwk: [String: String],
        _ name: String,
        size: Int? = nil
    ) throws(CryptoError) -> [UInt8] {
        guard let text = jwk[name], let bytes = base64URLDecoded(text), !bytes.isEmpty else {
            throw .malformed(what: "JWK", reason: "\(name) is missing or no base64url")
        }
        guard bytes.count <= 1024, size == nil || bytes.count == size else {
            throw .malformed(what: "JWK", reason: "\(name) has \(bytes.count) bytes")
        }
        return bytes
    }
}

// AlgorithmIdentifiers: rsaEncryption with NULL; ecPublicKey with the curve; Ed25519.
private let rsaIdentifier: [UInt8] = [
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
]
private let p256Identifier: [UInt8] = [
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
]
private let p384Identifier: [UInt8] = [
    0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
]
private let p521Identifier: [UInt8] = [
    0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23,
]
private let ed25519Identifier: [UInt8] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70]

/// One DER element. X.690 section 8.1
private func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    let count = content.count
    let length: [UInt8] =
        switch count {
        case ..<128: [UInt8(count)]
        case ..<256: [0x81, UInt8(count)]
        default: [0x82, UInt8(count >> 8), UInt8(count & 255)]
        }
    return [tag] + length + content
}

/// A non-negative INTEGER in its shortest form. X.690 section 8.3
private func derInteger(_ bytes: [UInt8]) -> [UInt8] {
    var digits = Array(bytes.drop { $0 == 0 })
    if (digits.first ?? 0x80) >= 0x80 { digits.insert(0, at: 0) }
    return der(0x02, digits)
}
