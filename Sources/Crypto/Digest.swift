import COpenSSL

/// SHA-256, 32 bytes. FIPS 180-4
package func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] {
    let message = Array(bytes)
    var digest = [UInt8](repeating: 0, count: 32)
    _ = unsafe SHA256(message, message.count, &digest)
    return digest
}

/// HMAC with SHA-256, 32 bytes. RFC 2104
package func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 32)
    _ = unsafe HMAC(
        EVP_sha256(),
        key,
        Int32(key.count),
        message,
        message.count,
        &code,
        nil
    )
    return code
}
