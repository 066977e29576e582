import COpenSSL

/// The content of the first PEM block of a text, read by OpenSSL. RFC 7468, `PEM_read_bio(3)`
///
/// - Throws: ``CryptoError/noPEM(expected:)``, also for a block that is cut off, empty or no base64;
///   ``CryptoError/otherPEM(expected:found:)``
func pemContent(_ text: [UInt8], expecting expected: String) throws(CryptoError) -> [UInt8] {
    // OpenSSL reads where the text is, so it must stay there.
    try unsafe text.withUnsafeBufferPointer { bytes throws(CryptoError) in
        unsafe try pemContent(bytes, expecting: expected)
    }
}

@unsafe
private func pemContent(
    _ text: UnsafeBufferPointer<UInt8>,
    expecting expected: String
) throws(CryptoError) -> [UInt8] {
    defer { ERR_clear_error() }
    guard let bio = unsafe BIO_new_mem_buf(text.baseAddress, Int32(clamping: text.count)) else {
        throw .failure("reading a PEM block")
    }
    defer { unsafe BIO_free(bio) }
    var label: UnsafeMutablePointer<CChar>?
    var header: UnsafeMutablePointer<CChar>?
    var content: UnsafeMutablePointer<UInt8>?
    var size = 0
    // OpenSSL wipes what it reads a secret block with.
    let flags = UInt32(PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE)
    guard unsafe PEM_read_bio_ex(bio, &label, &header, &content, &size, flags) == 1,
        let label = unsafe label, let content = unsafe content, size > 0
    else { throw .noPEM(expected: expected) }
    defer {
        unsafe CRYPTO_secure_free(label, "", 0)
        unsafe CRYPTO_secure_free(header, "", 0)
        unsafe CRYPTO_secure_clear_free(content, size, "", 0)
    }
    let found = unsafe String(cString: label)
    guard found == expected else { throw .otherPEM(expected: expected, found: found) }
    return unsafe Array(UnsafeBufferPointer(start: content, count: size))
}

/// The content as a PEM block of that label, in lines of 64 characters. RFC 7468, `PEM_write_bio(3)`
///
/// - Throws: ``CryptoError/failed(doing:reason:)``
func pemText(_ label: String, _ content: [UInt8]) throws(CryptoError) -> [UInt8] {
    guard let bio = unsafe BIO_new(BIO_s_secmem()) else { throw .failure("writing a PEM block") }
    defer { unsafe BIO_free(bio) }
    guard unsafe PEM_write_bio(bio, label, "", content, content.count) > 0 else {
        throw .failure("writing a PEM block")
    }
    var text = [UInt8](repeating: 0, count: unsafe BIO_ctrl_pending(bio))
    let size = Int32(text.count)
    guard unsafe BIO_read(bio, &text, size) == size else {
        throw .failure("writing a PEM block")
    }
    return text
}
