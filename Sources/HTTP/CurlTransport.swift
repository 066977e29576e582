import CLibcurl
package import Kernel

/// Requests over libcurl: many at a time on one thread, which connections and TLS sessions outlive.
package final class CurlTransport: HTTPTransport {
    private let engine: TransferEngine
    private let stores: TrustStores
    private let userAgent: String

    /// Starts the thread. It ends, with its connections, when the transport is released.
    ///
    /// - Throws: ``HTTPError`` of kind ``HTTPError/Kind/setup``
    package init(userAgent: String) throws(HTTPError) {
        engine = try TransferEngine()
        stores = TrustStores(defaultBundle: defaultBundle())
        self.userAgent = userAgent
    }

    deinit {
        engine.stop()
    }

    package func send(
        _ request: HTTPRequest,
        deadline: BootInstant
    ) async throws(HTTPError) -> HTTPResponse {
        let url = try RequestURL(request.url)
        var request = request
        // Plain http is for this machine and its link; a proxy could read what is sent.
        if !url.isSecure { request.route = .direct }
        if case .proxied(let settings) = request.route, let proxy = settings.url,
            !proxy.isEmpty, !isProxyURL(proxy)
        {
            throw HTTPError(.invalidRequest, url: url.shown, detail: Self.noProxyURL)
        }
        guard !request.method.isEmpty, request.method.utf8.allSatisfy(isTokenCharacter) else {
            throw HTTPError(.invalidRequest, url: url.shown, detail: "method is not a token")
        }
        guard !hasNUL(request) else {
            throw HTTPError(.invalidRequest, url: url.shown, detail: "a setting has a NUL in it")
        }
        let (first, second) =
            url.isSecure || request.hasSecureProxy ? stores.stores(for: request.trust) : (nil, nil)
        var job = TransferJob(
            request: request,
            url: url,
            store: first,
            userAgent: userAgent,
            deadline: deadline
        )
        var outcome = await engine.run(job)
        // The handshake failed, so that nothing of the request has been sent yet.
        if outcome.isIssuerMissing, let second, second != first {
            job.store = second
            outcome = await engine.run(job)
        }
        return try outcome.result.get()
    }

    /// Nothing of the URL is quoted: what stands where may be a part of its password.
    private static let noProxyURL =
        "the proxy's URL is not of the form http://USER:PASSWORD@HOST:PORT; special characters of its"
        + " user name and password are written as %XX"

    /// C would take the text up to there for the whole.
    private func hasNUL(_ request: HTTPRequest) -> Bool {
        var texts = [request.unixSocket]
        if case .proxied(let settings) = request.route {
            texts += [settings.url, settings.noProxy]
        }
        switch request.trust {
        case .file(let path): texts.append(path)
        case .system(let file, let directory): texts += [file, directory]
        }
        return texts.contains { $0?.utf8.contains(0) ?? false }
    }
}

/// A request with all that has been decided about it.
struct TransferJob: Sendable {
    let request: HTTPRequest
    let url: RequestURL
    var store: TrustStore?
    let userAgent: String
    let deadline: BootInstant
}

/// How a transfer ended.
struct TransferOutcome: Sendable {
    let result: Result<HTTPResponse, HTTPError>
    let isIssuerMissing: Bool
}

extension HTTPRequest {
    fileprivate var hasSecureProxy: Bool {
        guard case .proxied(let settings) = route else { return false }
        return settings.url?.lowercased().hasPrefix("https:") ?? false
    }
}

private func defaultBundle() -> String? {
    guard let easy = unsafe curl_easy_init() else { return nil }
    defer { unsafe curl_easy_cleanup(easy) }
    return unsafe wif_default_bundle(easy).map { unsafe String(cString: $0) }
}
