import COpenSSL
import Kernel
import Text

extension PrivateKey {
    /// A signed token in the compact form; `alg` is added to the header by the key's type, the rest of
    /// the header is the caller's. RFC 7515 section 7.1, RFC 7518 section 3.1, RFC 8037
    ///
    /// - Throws: ``CryptoError/failed(doing:reason:)``
    package func signJWS(
        payload: [UInt8],
        header: [String: String]
    ) throws(CryptoError) -> String {
        var header = header
        header["alg"] = key.algorithm.rawValue
        let members = JSON.object(header.mapValues(JSON.string))
        let input = "\(base64URLEncoded(members.serialized())).\(base64URLEncoded(payload))"
        let signature = try key.sign(Array(input.utf8))
        return "\(input).\(base64URLEncoded(signature))"
    }
}

extension PublicKey {
    /// Whether the compact token was signed by this key's other half. The header's `alg` must fit the key,
    /// and be the one that its JWK states, so `none` and `HS256` never pass; a header with `crit` is refused, as no
    /// extension is understood here. RFC 7515 sections 4.1.11 and 5.2
    package func verifyJWS(_ compact: String) -> Bool {
        let parts = compact.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, base64URLDecoded(String(parts[1])) != nil,
            let headerBytes = base64URLDecoded(String(parts[0])),
            let signature = base64URLDecoded(String(parts[2])),
            let header = JWSHeader(headerBytes),
            let algorithm = Algorithm(rawValue: header.alg), algorithm.fits(key.algorithm),
            statedAlgorithm == nil || statedAlgorithm == algorithm, !header.hasCritical
        else { return false }
        return key.verify(signature, Array("\(parts[0]).\(parts[1])".utf8), as: algorithm)
    }
}

private struct JWSHeader {
    let alg: String
    let hasCritical: Bool

    init?(_ bytes: [UInt8]) {
        do throws(JSONError) {
            let header = try JSON(parsing: bytes)
            guard let alg = header["alg"]?.string, let members = header.object else { return nil }
            self.alg = alg
            hasCritical = members["crit"] != nil
        } catch {
            return nil
        }
    }
}

extension Key {
    /// The signature as JOSE wants it: for ECDSA both numbers side by side. RFC 7518 section 3.4
    ///
    /// - Throws: ``CryptoError/failed(doing:reason:)``
    func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .failure("signing") }
        defer { unsafe EVP_MD_CTX_free(context) }
        guard unsafe EVP_DigestSignInit(context, nil, algorithm.digest, nil, raw) == 1 else {
            throw .failure("signing")
        }
        var size = unsafe Int(EVP_PKEY_get_size(raw))
        var signature = [UInt8](repeating: 0, count: size)
        let result = unsafe EVP_DigestSign(
            context,
            &signature,
            &size,
            message,
            message.count
        )
        guard result == 1 else { throw .failure("signing") }
        let bytes = Array(signature.prefix(size))
        guard algorithm.coordinateSize > 0 else { return bytes }
        guard let joined = sideBySide(bytes, algorithm.coordinateSize) else {
            throw .failure("signing")
        }
        return joined
    }

    func verify(_ signature: [UInt8], _ message: [UInt8], as algorithm: Algorithm) -> Bool {
        defer { ERR_clear_error() }
        var signature = signature
        if algorithm.coordinateSize > 0 {
            guard signature.count == 2 * algorithm.coordinateSize,
                let sequence = asSequence(signature)
            else { return false }
            signature = sequence
        }
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        var inner: OpaquePointer?
        guard unsafe EVP_DigestVerifyInit(context, &inner, algorithm.digest, nil, raw) == 1 else {
            return false
        }
        if algorithm.isPSS {
            guard unsafe EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) == 1,
                unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, RSA_PSS_SALTLEN_DIGEST) == 1
            else { return false }
        }
        return unsafe EVP_DigestVerify(context, signature, signature.count, message, message.count)
            == 1
    }
}

/// From `ECDSA-Sig-Value` (RFC 3279 section 2.2.3) to R and S of a fixed size.
private func sideBySide(_ sequence: [UInt8], _ size: Int) -> [UInt8]? {
    let signature = unsafe sequence.withUnsafeBufferPointer { buffer in
        var position = buffer.baseAddress
        return unsafe d2i_ECDSA_SIG(nil, &position, buffer.count)
    }
    guard let signature = unsafe signature else { return nil }
    defer { unsafe ECDSA_SIG_free(signature) }
    var r = [UInt8](repeating: 0, count: size)
    var s = r
    guard unsafe BN_bn2binpad(ECDSA_SIG_get0_r(signature), &r, Int32(size)) == Int32(size),
        unsafe BN_bn2binpad(ECDSA_SIG_get0_s(signature), &s, Int32(size)) == Int32(size)
    else { return nil }
    return r + s
}

private func asSequence(_ signature: [UInt8]) -> [UInt8]? {
    let half = signature.count / 2
    guard let sequence = unsafe ECDSA_SIG_new() else { return nil }
    defer { unsafe ECDSA_SIG_free(sequence) }
    let r = unsafe BN_bin2bn(Array(signature.prefix(half)), Int32(half), nil)
    let s = unsafe BN_bin2bn(Array(signature.suffix(half)), Int32(half), nil)
    // Takes both over, but only where it succeeds.
    guard unsafe ECDSA_SIG_set0(sequence, r, s) == 1 else {
        unsafe BN_free(r)
        unsafe BN_free(s)
        return nil
    }
    return unsafe encoded { unsafe i2d_ECDSA_SIG(sequence, $0) }
}
