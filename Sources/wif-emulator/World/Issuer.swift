import Crypto
import Federation
import FoundationEssentials
import Kernel
import Synchronization
import Text

/// Someone who signs tokens: a key, the name in `iss`, and what is published about both.
final class Issuer: Sendable {
    /// A key with its published half.
    private struct SigningKey: Sendable {
        let id: String
        let key: PrivateKey
        let verifier: PublicKey

        init(kind: PrivateKey.Kind) throws(CryptoError) {
            id = randomHex(bytes: 20)
            key = try PrivateKey.generate(kind)
            verifier = try PublicKey(jwk: key.publicJWK(keyID: id))
        }
    }

    /// The platform's word, also the path below which its documents are found.
    let name: String
    /// The `iss` of its tokens.
    let url: String
    private let kind: PrivateKey.Kind
    // The newest key signs, all of them verify.
    private let keys: Mutex<[SigningKey]>

    init(
        name: String,
        url: String,
        kind: PrivateKey.Kind = .rsa2048
    ) throws(CryptoError) {
        self.name = name
        self.url = url
        self.kind = kind
        keys = Mutex([try SigningKey(kind: kind)])
    }

    /// Signs the claims, `iss` added.
    func token(claims: [String: JSON]) throws(CryptoError) -> String {
        let claims = claims.merging(["iss": .string(url)]) { own, _ in own }
        guard let newest = keys.withLock({ $0.last }) else { return "" }
        return try newest.key.signJWS(
            payload: JSON.object(claims).serialized(),
            header: ["kid": newest.id, "typ": "JWT"]
        )
    }

    /// Whether one of its keys signed the token.
    func hasSigned(_ token: String) -> Bool {
        let id = TokenClaims(decoding: Secret(token))?.header["kid"]?.string
        return keys.withLock { $0 }.contains { $0.id == id && $0.verifier.verifyJWS(token) }
    }

    /// Signs with a new key from now on; the older ones stay published.
    func rotate() throws(CryptoError) {
        let key = try SigningKey(kind: kind)
        keys.withLock { $0.append(key) }
    }

    /// The published keys. RFC 7517
    var keySet: JSON {
        let keys = keys.withLock { $0 }
        return [
            "keys": .array(
                keys.map { .object($0.key.publicJWK(keyID: $0.id).mapValues(JSON.string)) }
            )
        ]
    }

    /// OpenID Connect Discovery 1.0 section 3.
    func configuration(keysURL: String) -> JSON {
        [
            "issuer": .string(url), "jwks_uri": .string(keysURL),
            "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [
                .string(kind == .rsa2048 ? "RS256" : "ES256")
            ],
            "claims_supported": ["iss", "sub", "aud", "exp", "iat"], "scopes_supported": ["openid"],
        ]
    }
}

/// Random bytes in lower-case hexadecimal.
func randomHex(bytes count: Int) -> String {
    let digits = Array("0123456789abcdef")
    return String((0..<(2 * count)).map { _ in digits[Int.random(in: 0..<16)] })
}
