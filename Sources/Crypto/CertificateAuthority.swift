import COpenSSL
package import Kernel

/// A certificate authority of one key, for the emulator and for tests.
package struct CertificateAuthority: Sendable {
    /// The authority's own, self-signed certificate.
    package let certificate: Certificate
    private let key: PrivateKey

    /// Makes a key and a certificate for it, valid from five minutes ago for `lifetime` seconds.
    ///
    /// - Throws: ``CryptoError/failed(doing:reason:)``
    package init(
        commonName: String,
        kind: PrivateKey.Kind = .p256,
        lifetime: Double = 7 * 86_400
    ) throws(CryptoError) {
        key = try PrivateKey.generate(kind)
        let start = WallTime.now.advanced(bySeconds: -300)
        let draft = try Draft(commonName, key, start, start.advanced(bySeconds: lifetime))
        try draft.name(issuer: draft.handle)
        try draft.extend(NID_basic_constraints, "critical,CA:TRUE", by: draft.handle)
        try draft.extend(
            NID_key_usage,
            "critical,keyCertSign,cRLSign,digitalSignature",
            by: draft.handle
        )
        try draft.extend(NID_subject_key_identifier, "hash", by: draft.handle)
        certificate = try draft.signed(by: key)
    }

    /// Certifies the public half of `key`. `hosts` are the DNS names and IP literals (IPv6 without
    /// brackets) that a server with this certificate answers for; none for what is no server's.
    ///
    /// - Throws: ``CryptoError/failed(doing:reason:)``
    package func issue(
        commonName: String,
        hosts: [String],
        key subject: PrivateKey,
        notBefore: WallTime,
        notAfter: WallTime
    ) throws(CryptoError) -> Certificate {
        let draft = try Draft(commonName, subject, notBefore, notAfter)
        try draft.name(issuer: certificate.handle)
        try draft.extend(
            NID_basic_constraints,
            "critical,CA:FALSE",
            by: certificate.handle
        )
        try draft.extend(NID_authority_key_identifier, "keyid", by: certificate.handle)
        if !hosts.isEmpty {
            let names = try hosts.map(alternativeName).joined(separator: ",")
            try draft.extend(NID_subject_alt_name, names, by: certificate.handle)
        }
        return try draft.signed(by: key)
    }
}

/// One entry of a subjectAltName. RFC 5280 section 4.2.1.6
private func alternativeName(_ host: String) throws(CryptoError) -> String {
    // A comma would start another entry in OpenSSL's syntax.
    let isSound = !host.isEmpty && host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x2c }
    guard isSound else { throw .failed(doing: "naming a host", reason: "odd characters in it") }
    let isAddress = host.contains(":") || host.allSatisfy { $0 == "." || $0.isNumber }
    return isAddress ? "IP:\(host)" : "DNS:\(host)"
}

/// A certificate before it is signed.
private struct Draft {
    let handle: CertificateHandle

    init(
        _ commonName: String,
        _ key: PrivateKey,
        _ notBefore: WallTime,
        _ notAfter: WallTime
    ) throws(CryptoError) {
        guard let raw = unsafe X509_new() else { throw .failure("making a certificate") }
        unsafe handle = CertificateHandle(owning: raw)
        let isFilled =
            unsafe X509_set_version(raw, 2) == 1
            && Draft.setSerialNumber(raw)
            && ASN1_TIME_set(X509_getm_notBefore(raw), Int(notBefore.secondsSinceEpoch)) != nil
            && ASN1_TIME_set(X509_getm_notAfter(raw), Int(notAfter.secondsSinceEpoch)) != nil
            && X509_set_pubkey(raw, key.key.raw) == 1
            && Draft.append(commonName, to: X509_get_subject_name(raw))
        guard isFilled else { throw .failure("filling in a certificate") }
    }

    func name(issuer: CertificateHandle) throws(CryptoError) {
        let name = unsafe X509_get_subject_name(issuer.raw)
        guard unsafe X509_set_issuer_name(handle.raw, name) == 1 else {
            throw .failure("naming the issuer")
        }
    }

    func extend(
        _ identifier: Int32,
        _ value: String,
        by issuer: CertificateHandle
    ) throws(CryptoError) {
        guard unsafe wif_add_extension(handle.raw, issuer.raw, identifier, value) == 1 else {
            throw .failure("adding '\(value)' to a certificate")
        }
    }

    func signed(by key: PrivateKey) throws(CryptoError) -> Certificate {
        // The digest a JWS of the same key would use.
        guard unsafe X509_sign(handle.raw, key.key.raw, key.key.algorithm.digest) > 0 else {
            throw .failure("signing a certificate")
        }
        return try Certificate(handle)
    }

    private static func setSerialNumber(_ raw: OpaquePointer) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 16)
        guard unsafe RAND_bytes(&bytes, 16) == 1 else { return false }
        // Positive, and of full length. RFC 5280 section 4.1.2.2
        bytes[0] = bytes[0] & 0x7f | 0x40
        let number = unsafe BN_bin2bn(bytes, 16, nil)
        defer { unsafe BN_free(number) }
        return unsafe BN_to_ASN1_INTEGER(number, X509_get_serialNumber(raw)) != nil
    }

    private static func append(_ commonName: String, to name: OpaquePointer?) -> Bool {
        let bytes = Array(commonName.utf8)
        return unsafe X509_NAME_add_entry_by_NID(
            name,
            NID_commonName,
            utf8Text,
            bytes,
            Int32(bytes.count),
            -1,
            0
        ) == 1
    }
}

/// `MBSTRING_UTF8`, a macro that Swift does not see.
private let utf8Text: Int32 = 0x1000
