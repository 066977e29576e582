import COpenSSL

/// What an authority's certificate calls it.
package struct AuthorityName: Equatable, Sendable {
    /// `O`; empty where it has none.
    package let organization: String
    /// `CN`; empty where it has none.
    package let name: String

    /// To look for one among others.
    package init(organization: String, name: String) {
        (self.organization, self.name) = (organization, name)
    }
}

/// The names of the certificates in a PEM file of many, such as a system's authorities; what is no
/// certificate ends the list.
package func authorities(inBundle pem: [UInt8]) -> [AuthorityName] {
    defer { ERR_clear_error() }
    // OpenSSL reads where the text is, so it must stay there.
    return unsafe pem.withUnsafeBufferPointer { bytes -> [AuthorityName] in
        guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count))
        else { return [] }
        defer { unsafe BIO_free(bio) }
        var names: [AuthorityName] = []
        while let raw = unsafe PEM_read_bio_X509(bio, nil, nil, nil) {
            defer { unsafe X509_free(raw) }
            guard let subject = unsafe X509_get_subject_name(raw) else { continue }
            names.append(
                AuthorityName(
                    organization: unsafe part(NID_organizationName, of: subject),
                    name: unsafe part(NID_commonName, of: subject)
                )
            )
        }
        return names
    }
}

/// X509_NAME_get_text_by_NID(3)
@unsafe
private func part(_ kind: Int32, of name: OpaquePointer) -> String {
    var text = [CChar](repeating: 0, count: 256)
    let count = unsafe X509_NAME_get_text_by_NID(name, kind, &text, Int32(text.count))
    guard count > 0 else { return "" }
    return String(decoding: text.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
