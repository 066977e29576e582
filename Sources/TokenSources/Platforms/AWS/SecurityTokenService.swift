import AWSSignature
import Crypto
import Federation
import HTTP
import Kernel
import Text

/// AWS's token service (STS): calls of its query protocol and what comes back.
struct SecurityTokenService {
    private static let version = ("Version", "2011-06-15")
    private static let contentType = "application/x-www-form-urlencoded; charset=utf-8"

    let context: SourceContext
    let host: SecurityTokenHost
    /// In place of the host; as the variables or a profile say.
    let endpoint: Endpoint?

    /// The `…Result` element of a successful call. Without a key the request is not signed.
    ///
    /// A passing failure is tried again. A refusal for the clock is answered once by the service's own.
    ///
    /// - Parameter explaining: an error with what the caller knows of it.
    func call(
        _ action: String,
        _ parameters: [(String, String)],
        key: AWSKey?,
        explaining: (SourceError) -> SourceError = { $0 }
    ) async throws(SourceError) -> XMLElement {
        do throws(SourceError) {
            return try await call(action, parameters, key)
        } catch {
            throw explaining(error)
        }
    }

    private func call(
        _ action: String,
        _ parameters: [(String, String)],
        _ key: AWSKey?
    ) async throws(SourceError) -> XMLElement {
        var offset = context.clockOffset
        var isCorrected = false
        while true {
            let answer = try await context.retrying(.platform) {
                [offset] () async throws(SourceError) in
                try await attempt(action, parameters, key, offset, isCorrected)
            }
            switch answer {
            case .result(let element): return element
            case .skewed(let seconds):
                offset = seconds
                isCorrected = true
            }
        }
    }

    private enum Answer {
        case result(XMLElement)
        /// Seconds that the service's clock is ahead.
        case skewed(Double)
    }

    private func attempt(
        _ action: String,
        _ parameters: [(String, String)],
        _ key: AWSKey?,
        _ offset: Double,
        _ isCorrected: Bool
    ) async throws(SourceError) -> Answer {
        let request = request([("Action", action), Self.version] + parameters, key, offset)
        let response: HTTPResponse
        do throws(SourceError) {
            response = try await context.ask(request)
        } catch {
            var error = error.ofPresentPlatform
            if endpoint == nil, let doubt = host.doubt {
                error.hint = "\(doubt); set credentialSource.region or AWS_REGION"
            }
            throw error
        }
        let region = endpoint == nil ? "" : " for \(host.signingRegion)"
        let place = "\(action) at \(endpoint?.host ?? host.name)\(region)"
        let document = xml(in: response)
        if response.status == 200 {
            guard let document, document.name == action + "Response",
                let result = document[action + "Result"]
            else {
                throw SourceError(.transient, "the reply is not the one expected", at: place)
            }
            return .result(result)
        }
        let error = STSError(
            status: response.status,
            code: document?["Error", "Code"]?.text,
            message: document?["Error", "Message"]?.text
        )
        if error.isSkew, !isCorrected, let date = response.date {
            return .skewed(date.seconds(since: context.timekeeper.wallClock))
        }
        throw error.sourceError(at: place, retryAfter: context.retryAfter(response))
    }

    private func xml(in response: HTTPResponse) -> XMLElement? {
        do throws(XMLError) {
            return try XMLElement(parsing: response.body.bytes)
        } catch {
            return nil  // A balancer's page; the status says what it means.
        }
    }

    private func request(
        _ parameters: [(String, String)],
        _ key: AWSKey?,
        _ offset: Double
    ) -> HTTPRequest {
        let form = parameters.map { "\(percentEncoded($0))=\(percentEncoded($1))" }
        let body = Secret(form.joined(separator: "&"))
        var headers = [HTTPHeader("Content-Type", Self.contentType)]
        if let key {
            let date = context.timekeeper.wallClock.advanced(bySeconds: offset)
            let authority = endpoint.map(\.authority) ?? host.name
            let request = SignedRequest(
                host: authority,
                region: host.signingRegion,
                date: date,
                others: [("content-type", Self.contentType)],
                body: body.bytes,
                key: key
            )
            headers += request.headers.filter { !["host", "content-type"].contains($0.name) }
        }
        return HTTPRequest(
            "POST",
            (endpoint?.url ?? "https://\(host.name)") + "/",
            headers: headers,
            body: body,
            route: route,
            trust: context.variable("AWS_CA_BUNDLE").map { .file($0) } ?? context.trust,
            connectTimeout: ConnectTimeout.far
        )
    }

    /// A public endpoint, so by the proxy where there is one.
    private var route: HTTPRequest.Route {
        guard endpoint?.isSecure ?? true else { return .direct }
        return context.publicRoute
    }
}

extension Endpoint {
    /// Host and port as they stand in the URL and so in the request's Host header.
    fileprivate var authority: String {
        String(url.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != "?" })
    }
}

/// A request to STS with its signature: the headers, that of the signature first.
struct SignedRequest {
    let headers: [HTTPHeader]

    init(
        host: String,
        region: String,
        date: WallTime,
        query: [(name: String, value: String)] = [],
        others: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        key: AWSKey
    ) {
        // One reading of the clock: the date of the scope must be the header's.
        let timestamp = amazonTimestamp(date)
        var signed = others + [("host", host), ("x-amz-date", timestamp)]
        if let token = key.sessionToken { signed.append(("x-amz-security-token", token.text)) }
        let input = SignatureV4.Input(
            method: "POST",
            query: query,
            headers: signed,
            body: body,
            timestamp: timestamp,
            region: region
        )
        let signature = SignatureV4(input, key: key)
        headers =
            [HTTPHeader("Authorization", value: signature.authorization)]
            + signed.map { HTTPHeader($0.name, value: Secret($0.value)) }
    }
}
