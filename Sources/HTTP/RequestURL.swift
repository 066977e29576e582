import CLibcurl

/// A URL that libcurl would accept, and how it may be shown.
struct RequestURL {
    /// `scheme://host[:port]/path`: neither query nor user info.
    let shown: String
    /// Whether the scheme is `https`.
    let isSecure: Bool

    /// - Throws: ``HTTPError`` of kind ``HTTPError/Kind/invalidRequest``
    init(_ text: String) throws(HTTPError) {
        func invalid(_ reason: String) -> HTTPError {
            HTTPError(.invalidRequest, url: "(invalid URL)", detail: reason)
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw invalid("URL has characters that must be percent-encoded")
        }
        guard let handle = unsafe curl_url() else { throw invalid("out of memory") }
        defer { unsafe curl_url_cleanup(handle) }
        guard unsafe curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = unsafe part(handle, CURLUPART_SCHEME),
            let host = unsafe part(handle, CURLUPART_HOST)
        else { throw invalid("not an absolute URL") }
        guard scheme == "http" || scheme == "https" else { throw invalid("neither http nor https") }
        isSecure = scheme == "https"
        let port = unsafe part(handle, CURLUPART_PORT).map { ":\($0)" } ?? ""
        shown = unsafe "\(scheme)://\(host)\(port)\(part(handle, CURLUPART_PATH) ?? "/")"
        guard unsafe part(handle, CURLUPART_USER) == nil,
            unsafe part(handle, CURLUPART_PASSWORD) == nil
        else {
            throw HTTPError(.invalidRequest, url: shown, detail: "user info in a URL is not sent")
        }
    }
}

/// Whether libcurl would find the host where it is meant: no part of the password is taken for a port, a
/// path or a host.
func isProxyURL(_ text: String) -> Bool {
    guard let handle = unsafe curl_url() else { return false }
    defer { unsafe curl_url_cleanup(handle) }
    let flags = UInt32(CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME)
    guard unsafe curl_url_set(handle, CURLUPART_URL, text, flags) == CURLUE_OK,
        let scheme = unsafe part(handle, CURLUPART_SCHEME),
        ["http", "https", "socks4", "socks4a", "socks5", "socks5h"].contains(scheme),
        unsafe part(handle, CURLUPART_HOST) != nil
    else { return false }
    let path = unsafe part(handle, CURLUPART_PATH)
    let query = unsafe part(handle, CURLUPART_QUERY)
    let fragment = unsafe part(handle, CURLUPART_FRAGMENT)
    return path ?? "/" == "/" && query == nil && fragment == nil
}

private func part(_ handle: OpaquePointer, _ part: CURLUPart) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard unsafe curl_url_get(handle, part, &text, 0) == CURLUE_OK, let text = unsafe text else {
        return nil
    }
    defer { unsafe curl_free(text) }
    return unsafe String(cString: text)
}
