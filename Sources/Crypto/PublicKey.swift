import COpenSSL
import Kernel
import Text

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
        key = unsafe try Key(owning: PublicKey.read(jwk))
        guard let name = jwk["alg"] else { return }
        statedAlgorithm = Algorithm(rawValue: name)
        guard let statedAlgorithm, statedAlgorithm.fits(key.algorithm) else {
            throw .malformed(what: "JWK", reason: "alg '\(name)' does not fit the key")
        }
    }

    private static func read(_ jwk: [String: String]) throws(CryptoError) -> OpaquePointer {
        let raw =
            switch (jwk["kty"], jwk["crv"]) {
            case ("RSA", _):
                unsafe rsaKey(modulus: try number(jwk, "n"), exponent: try number(jwk, "e"))
            case ("EC", "P-256"): unsafe try ellipticKey(jwk, "P-256", size: 32)
            case ("EC", "P-384"): unsafe try ellipticKey(jwk, "P-384", size: 48)
            case ("EC", "P-521"): unsafe try ellipticKey(jwk, "P-521", size: 66)
            case ("OKP", "Ed25519"):
                unsafe EVP_PKEY_new_raw_public_key_ex(
                    nil,
                    "ED25519",
                    nil,
                    try number(jwk, "x", size: 32),
                    32
                )
            case (let type, let curve):
                throw .unsupportedKey("a JWK of kty '\(type ?? "")' and crv '\(curve ?? "")'")
            }
        guard let raw = unsafe raw else { throw .malformed(what: "JWK", reason: drainedReasons()) }
        return unsafe raw
    }

    private static func ellipticKey(
        _ jwk: [String: String],
        _ curve: String,
        size: Int
    ) throws(CryptoError) -> OpaquePointer? {
        // Uncompressed. SEC 1 section 2.3.3
        let point = try [4] + number(jwk, "x", size: size) + number(jwk, "y", size: size)
        return unsafe wif_ec_public_key(curve, point, point.count)
    }

    private static func rsaKey(modulus: [UInt8], exponent: [UInt8]) -> OpaquePointer? {
        unsafe wif_rsa_public_key(modulus, modulus.count, exponent, exponent.count)
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
