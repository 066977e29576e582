import COpenSSL

/// One reference to an OpenSSL key, private or public. Safe to share: the key is never changed after
/// init, and OpenSSL's references are counted atomically.
@safe
final class Key: Sendable {
    nonisolated(unsafe) let raw: OpaquePointer
    let algorithm: Algorithm

    /// Takes ownership of the reference.
    ///
    /// - Throws: ``CryptoError/unsupportedKey(_:)``
    init(owning raw: OpaquePointer) throws(CryptoError) {
        unsafe self.raw = raw
        do throws(CryptoError) {
            algorithm = unsafe try Algorithm(of: raw)
        } catch {
            // A class whose init throws before every property is set runs no deinit.
            unsafe EVP_PKEY_free(raw)
            throw error
        }
    }

    deinit {
        unsafe EVP_PKEY_free(raw)
    }

    /// A number of the key, big-endian; `nil` if there is no such. `EVP_PKEY_get_bn_param(3)`
    func number(_ name: String, width: Int? = nil) -> [UInt8]? {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(raw, name, &number) == 1 else {
            ERR_clear_error()
            return nil
        }
        defer { unsafe BN_free(number) }
        let size = unsafe width ?? Int(BN_num_bits(number) + 7) / 8
        var bytes = [UInt8](repeating: 0, count: size)
        guard unsafe BN_bn2binpad(number, &bytes, Int32(size)) == Int32(size) else { return nil }
        return bytes
    }

    /// The 32 bytes of an Ed25519 public key. RFC 8032 section 5.1.5
    var rawPublicBytes: [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 32)
        var size = bytes.count
        guard unsafe EVP_PKEY_get_raw_public_key(raw, &bytes, &size) == 1 else {
            ERR_clear_error()
            return nil
        }
        return bytes
    }
}

/// How tokens are signed with a key pair. RFC 7518 section 3.1, RFC 8037 section 3.1
enum Algorithm: String {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"

    /// The algorithm that a key signs with here, by its type and size.
    /// - Throws: ``CryptoError/unsupportedKey(_:)``
    init(of key: OpaquePointer) throws(CryptoError) {
        let bits = unsafe EVP_PKEY_get_bits(key)
        let type = unsafe EVP_PKEY_get_base_id(key)
        switch type {
        case EVP_PKEY_RSA where (2048...8192).contains(bits): self = .rs256
        case EVP_PKEY_RSA: throw .unsupportedKey("an RSA key of \(bits) bits")
        case EVP_PKEY_ED25519: self = .edDSA
        case EVP_PKEY_EC:
            switch unsafe groupName(of: key) {
            case "prime256v1": self = .es256
            case "secp384r1": self = .es384
            case "secp521r1": self = .es512
            case let other: throw .unsupportedKey("an EC key on \(other)")
            }
        default: throw .unsupportedKey("a key of type \(type)")
        }
    }

    /// The curve as JOSE names it. RFC 7518 section 6.2.1.1, RFC 8037 section 2
    var curve: String? {
        switch self {
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: nil
        case .es256: "P-256"
        case .es384: "P-384"
        case .es512: "P-521"
        case .edDSA: "Ed25519"
        }
    }

    /// How many bytes a coordinate, and each half of a signature, takes; 0 where there are none.
    var coordinateSize: Int {
        switch self {
        case .es256: 32
        case .es384: 48
        case .es512: 66
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512, .edDSA: 0
        }
    }

    /// Ed25519 hashes by itself. RFC 8032 section 5.1
    var digest: OpaquePointer? {
        switch self {
        case .rs256, .ps256, .es256: unsafe EVP_sha256()
        case .rs384, .ps384, .es384: unsafe EVP_sha384()
        case .rs512, .ps512, .es512: unsafe EVP_sha512()
        case .edDSA: nil
        }
    }

    /// Whether signatures have the padding of RSASSA-PSS, with a salt as long as the digest. RFC 7518
    /// section 3.5
    var isPSS: Bool { [.ps256, .ps384, .ps512].contains(self) }

    private var isRSA: Bool { [.rs256, .rs384, .rs512].contains(self) || isPSS }

    /// Whether a key that signs with the other algorithm could sign with this one: RSA keys know six.
    func fits(_ other: Algorithm) -> Bool { self == other || (isRSA && other.isRSA) }
}

private func groupName(of key: OpaquePointer) -> String {
    var name = [CChar](repeating: 0, count: 64)
    var size = 0
    guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, &size) == 1 else {
        ERR_clear_error()
        return "an unnamed curve"
    }
    return String(decoding: name.prefix(size).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
