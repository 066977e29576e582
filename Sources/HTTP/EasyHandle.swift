import CLibcurl
import Kernel

/// One transfer's libcurl handle with all that libcurl borrows from it. It stays on one thread.
@safe
final class EasyHandle {
    let raw: UnsafeMutableRawPointer
    let received = ReceivedReply()
    private let url: RequestURL
    private let storePath: String
    private let wantsFacts: Bool
    private let onlyShakesHands: Bool
    private let isProxied: Bool
    // Kept because libcurl reads the body where it is.
    private let body: Secret?
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let message: UnsafeMutablePointer<CChar>
    private var failure: CURLcode = CURLE_OK

    /// A handle that is ready to go, with no redirect, cookie, netrc, compression or environment.
    ///
    /// - Throws: ``HTTPError``, of a kind that tells what about the request cannot be sent
    init(_ job: TransferJob, share: UnsafeMutableRawPointer?) throws(HTTPError) {
        guard let raw = unsafe curl_easy_init() else {
            throw HTTPError(.setup, url: job.url.shown, detail: "out of memory")
        }
        unsafe self.raw = raw
        url = job.url
        storePath = job.store?.path ?? "(none)"
        wantsFacts = job.request.wantsConnectionFacts
        onlyShakesHands = job.request.onlyShakesHands
        isProxied = job.request.route != .direct
        body = job.request.body
        unsafe message = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        unsafe try configure(job, share)
    }

    /// Tells this handle from others in life at the same time.
    var id: UInt { unsafe UInt(bitPattern: raw) }

    deinit {
        unsafe curl_easy_cleanup(raw)
        unsafe wif_wipe_list(headers)
        unsafe message.deallocate()
    }

    /// What came back; `result` is libcurl's verdict on the transfer.
    func outcome(_ result: CURLcode) -> Result<HTTPResponse, HTTPError> {
        if result == CURLE_OK, onlyShakesHands {
            var response = HTTPResponse(status: 0, body: Secret(""))
            response.connection = facts
            return .success(response)
        }
        if result == CURLE_OK, var response = received.response() {
            if wantsFacts { response.connection = facts }
            return .success(response)
        }
        return .failure(error(result))
    }

    private var facts: ConnectionFacts {
        ConnectionFacts(
            address: unsafe wif_get_text(raw, CURLINFO_PRIMARY_IP).map {
                unsafe String(cString: $0)
            } ?? "",
            port: unsafe wif_get_long(raw, CURLINFO_PRIMARY_PORT),
            chain: chain
        )
    }

    /// As many certificates as anybody sends.
    private static let chainLimit: Int32 = 10

    private var chain: [CertificateFacts] {
        var chain: [CertificateFacts] = []
        for index in 0..<Self.chainLimit {
            guard let issuer = field("Issuer", of: index) else { break }
            chain.append(
                CertificateFacts(
                    subject: field("Subject", of: index) ?? "",
                    issuer: issuer,
                    starts: field("Start date", of: index) ?? "",
                    expires: field("Expire date", of: index) ?? "",
                    hosts: field("X509v3 Subject Alternative Name", of: index) ?? ""
                )
            )
        }
        return chain
    }

    private func field(_ name: String, of index: Int32) -> String? {
        unsafe wif_certificate_field(raw, index, name).map { unsafe String(cString: $0) }
    }

    /// Whether the peer's certificate led to no authority of the store, so that another store may do.
    func isIssuerMissing(_ result: CURLcode) -> Bool {
        result == CURLE_PEER_FAILED_VERIFICATION && verification == .unknownAuthority
    }

    private func configure(_ job: TransferJob, _ share: UnsafeMutableRawPointer?) throws(HTTPError)
    {
        setPolicy()
        let version =
            job.request.speaksHTTP2 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_1_1
        set(CURLOPT_HTTP_VERSION, Int(version))
        if job.request.speaksHTTP2 {
            // libcurl 7.88 breaks off on a connection without TLS that it uses again.
            set(CURLOPT_FRESH_CONNECT, 1)
            set(CURLOPT_FORBID_REUSE, 1)
        }
        setReceivers()
        setTrust(job.store)
        set(job.request.route, unixSocket: job.request.unixSocket)
        setTime(job)
        set(CURLOPT_URL, job.request.url)
        set(CURLOPT_USERAGENT, job.userAgent)
        unsafe set(CURLOPT_SHARE, pointer: UnsafeRawPointer(share))
        setMethod(job.request)
        if wantsFacts { set(CURLOPT_CERTINFO, 1) }
        if onlyShakesHands { setHandshakeAlone() }
        try setHeaders(job.request.headers)
        guard failure == CURLE_OK else {
            throw HTTPError(.invalidRequest, url: url.shown, detail: text(of: failure))
        }
    }

    private func setPolicy() {
        note(unsafe wif_allow_http_only(raw))
        note(unsafe wif_require_tls12(raw))
        note(unsafe wif_leave_resolver_behind(raw))
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_NETRC, 0)
        set(CURLOPT_NOSIGNAL, 1)
        // Enough for a burst of accounts. Newer ones remember for half as long that a name had none.
        set(CURLOPT_DNS_CACHE_TIMEOUT, 1)
        set(CURLOPT_HTTP09_ALLOWED, 0)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // What is signed, or asked for, is the path as it was written.
        set(CURLOPT_PATH_AS_IS, 1)
    }

    /// Nothing is sent, so that it does not matter who is there.
    private func setHandshakeAlone() {
        set(CURLOPT_CONNECT_ONLY, 1)
        set(CURLOPT_CERTINFO, 1)
        set(CURLOPT_SSL_VERIFYPEER, 0)
        set(CURLOPT_SSL_VERIFYHOST, 0)
    }

    private func setReceivers() {
        let context = unsafe Unmanaged.passUnretained(received).toOpaque()
        note(unsafe wif_set_receiver(raw, CURLOPT_WRITEFUNCTION, receiveBody))
        note(unsafe wif_set_receiver(raw, CURLOPT_HEADERFUNCTION, receiveHeader))
        unsafe set(CURLOPT_WRITEDATA, pointer: context)
        unsafe set(CURLOPT_HEADERDATA, pointer: context)
        unsafe set(CURLOPT_ERRORBUFFER, pointer: message)
    }

    private func setTrust(_ store: TrustStore?) {
        switch store {
        case .bundle(let path):
            set(CURLOPT_CAPATH, nil)
            set(CURLOPT_CAINFO, path)
        case .directory(let path):
            set(CURLOPT_CAPATH, path)
            set(CURLOPT_CAINFO, nil)
        case nil: return
        }
        set(CURLOPT_PROXY_CAPATH, { if case .directory(let path) = store { path } else { nil } }())
        set(CURLOPT_PROXY_CAINFO, { if case .bundle(let path) = store { path } else { nil } }())
    }

    private func set(_ route: HTTPRequest.Route, unixSocket: String?) {
        // An empty proxy and an empty list, as opposed to none, keep libcurl from its variables.
        switch route {
        case .direct:
            set(CURLOPT_PROXY, "")
            set(CURLOPT_NOPROXY, "*")
        case .proxied(let settings):
            set(CURLOPT_PROXY, settings.url ?? "")
            set(CURLOPT_NOPROXY, settings.noProxy ?? "")
        }
        if let unixSocket { set(CURLOPT_UNIX_SOCKET_PATH, unixSocket) }
    }

    private func setTime(_ job: TransferJob) {
        let rest = job.deadline.seconds(since: .now)
        // libcurl takes 0 for no limit at all, so what is past gets the shortest there is.
        set(CURLOPT_TIMEOUT_MS, milliseconds(rest))
        set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(min(rest, job.request.connectTimeout)))
    }

    private func milliseconds(_ seconds: Double) -> Int {
        Int((seconds * 1000).clamped(to: 1...86_400_000))
    }

    private func setMethod(_ request: HTTPRequest) {
        if request.body == nil && request.method == "GET" { return set(CURLOPT_HTTPGET, 1) }
        if request.method == "HEAD" { return set(CURLOPT_NOBODY, 1) }
        set(CURLOPT_POST, 1)
        note(unsafe wif_set_size(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body?.count ?? 0)))
        // Without a pointer libcurl would ask for the body by a callback.
        unsafe set(CURLOPT_POSTFIELDS, pointer: body?.address ?? UnsafeRawPointer(message))
        set(CURLOPT_CUSTOMREQUEST, request.method)
    }

    private func setHeaders(_ fields: [HTTPHeader]) throws(HTTPError) {
        // A name and a colon take out what libcurl would add by itself.
        append("Expect:")
        if !fields.contains(where: { $0.name.lowercased() == "content-type" }) {
            append("Content-Type:")
        }
        for field in fields {
            guard let line = HeaderLine(field) else {
                let name = field.name.utf8.allSatisfy(isTokenCharacter) ? field.name : "a header"
                throw HTTPError(
                    .invalidRequest,
                    url: url.shown,
                    detail: "\(name) has characters it must not"
                )
            }
            append(line.text)
        }
        unsafe set(CURLOPT_HTTPHEADER, pointer: headers)
    }

    private func append(_ line: String) {
        guard let list = unsafe curl_slist_append(headers, line) else {
            failure = CURLE_OUT_OF_MEMORY
            return
        }
        unsafe headers = list
    }

    private func set(_ option: CURLoption, _ value: Int) {
        note(unsafe wif_set_long(raw, option, value))
    }

    private func set(_ option: CURLoption, _ value: String?) {
        note(unsafe wif_set_text(raw, option, value))
    }

    private func set(_ option: CURLoption, pointer: UnsafeRawPointer?) {
        note(unsafe wif_set_pointer(raw, option, pointer))
    }

    private func note(_ result: CURLcode) {
        if failure == CURLE_OK { failure = result }
    }

    private func error(_ result: CURLcode) -> HTTPError {
        let words = unsafe String(cString: message)
        let kind = kind(of: result)
        var detail = words.isEmpty ? text(of: result) : words
        if isProxied, let own = ownWords(for: kind, result) { detail = own }
        let number = unsafe wif_get_long(raw, CURLINFO_OS_ERRNO)
        let answer = unsafe wif_get_long(raw, CURLINFO_HTTP_CONNECTCODE)
        return HTTPError(
            kind,
            url: url.shown,
            detail: detail,
            phase: result == CURLE_SEND_ERROR ? .send : nil,
            // libcurl says that there is no connection, and the system why.
            systemError: result == CURLE_COULDNT_CONNECT && number != 0
                ? Errno(Int32(number)) : nil,
            proxyStatus: answer == 0 ? nil : answer
        )
    }

    /// What is said in place of libcurl's words, which may quote the proxy's URL with its password.
    private func ownWords(for kind: HTTPError.Kind, _ result: CURLcode) -> String? {
        let answer = unsafe wif_get_long(raw, CURLINFO_HTTP_CONNECTCODE)
        switch kind {
        case .proxy where answer != 0: return "CONNECT tunnel failed, response \(answer)"
        case .proxy, .invalidRequest, .malformed: return text(of: result)
        case .unresolved, .unreachable, .timedOut, .tls, .trustStore, .tooLarge, .interrupted,
            .cancelled, .setup:
            return nil
        }
    }

    /// What OpenSSL made of the peer's certificate. `X509_STORE_CTX_get_error(3)`
    private var verification: HTTPError.TLSReason {
        let host = unsafe wif_get_long(raw, CURLINFO_SSL_VERIFYRESULT)
        let proxy = unsafe wif_get_long(raw, CURLINFO_PROXY_SSL_VERIFYRESULT)
        return switch host != 0 ? host : proxy {
        // The chain is sound; 1 is what libcurl begins with and leaves where the name is wrong.
        case 0, 1, 62, 64: .wrongHost
        case 2, 18, 19, 20, 21: .unknownAuthority
        case 9: .notYetValid
        case 10: .expired
        default: .other
        }
    }

    /// The phase that a transfer is in, by the times that libcurl has noted.
    private var phase: HTTPError.Phase {
        if isSending {
            let sent = unsafe wif_get_time(raw, CURLINFO_SIZE_UPLOAD_T)
            return sent < curl_off_t(body?.count ?? 0) ? .send : .receive
        }
        if unsafe wif_get_time(raw, CURLINFO_NAMELOOKUP_TIME_T) == 0 { return .resolve }
        let isConnected = unsafe wif_get_time(raw, CURLINFO_CONNECT_TIME_T) > 0
        return isConnected && url.isSecure ? .tls : .connect
    }

    /// Whether the request was on its way to the host. libcurl 8.23 sets the time before a transfer for
    /// one that never began, too, and older ones count what was said to a proxy as sent.
    private var isSending: Bool {
        unsafe wif_get_time(raw, CURLINFO_PRETRANSFER_TIME_T) > 0
            && wif_get_long(raw, CURLINFO_REQUEST_SIZE) > 0
    }

    private func kind(of result: CURLcode) -> HTTPError.Kind {
        if received.isTooLarge { return .tooLarge }
        let proxyAnswer = unsafe wif_get_long(raw, CURLINFO_HTTP_CONNECTCODE)
        if proxyAnswer != 0 && proxyAnswer / 100 != 2 { return .proxy }
        switch result {
        case CURLE_COULDNT_RESOLVE_HOST: return .unresolved
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: return .proxy
        case CURLE_COULDNT_CONNECT: return .unreachable
        case CURLE_OPERATION_TIMEDOUT:
            return .timedOut(phase)
        case CURLE_PEER_FAILED_VERIFICATION: return .tls(verification)
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_CERTPROBLEM, CURLE_SSL_ENGINE_INITFAILED:
            return .tls(.other)
        case CURLE_SSL_CACERT_BADFILE: return .trustStore(path: storePath)
        // HTTP/0.9, which is what any garbage looks like, counts as an unsupported protocol.
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING:
            return .malformed
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT: return .invalidRequest
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT: return .setup
        case CURLE_OK: return .malformed
        default: return .interrupted
        }
    }
}

private func text(of code: CURLcode) -> String {
    unsafe String(cString: curl_easy_strerror(code))
}
