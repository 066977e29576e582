package import HTTP
package import Kernel
import Synchronization
import Text

/// A network of one's own making: answers by a closure, and remembers what was asked.
package final class ScriptedTransport: HTTPTransport {
    /// What answers a request; the number counts the requests to the same path before it.
    package typealias Script =
        @Sendable (HTTPRequest, Int) async throws(HTTPError) -> HTTPResponse

    private struct State {
        var sent: [HTTPRequest] = []
        var counts: [String: Int] = [:]
    }

    private let script: Script
    private let state = Mutex(State())

    package init(_ script: @escaping Script) {
        self.script = script
    }

    /// A network where these replies come one after the other, the last one for ever.
    package convenience init(_ replies: [Result<HTTPResponse, HTTPError>]) {
        self.init { (_, number) async throws(HTTPError) in
            try replies[min(number, replies.count - 1)].get()
        }
    }

    /// The requests in the order they came.
    package var sent: [HTTPRequest] { state.withLock(\.sent) }

    package func send(
        _ request: HTTPRequest,
        deadline: BootInstant
    ) async throws(HTTPError) -> HTTPResponse {
        let number = state.withLock { state in
            state.sent.append(request)
            let path = String(request.url.prefix { $0 != "?" })
            defer { state.counts[path, default: 0] += 1 }
            return state.counts[path, default: 0]
        }
        return try await script(request, number)
    }
}

extension HTTPResponse {
    /// A reply of text; header names in lower case.
    package static func text(
        _ status: Int,
        _ body: String = "",
        _ headers: [(String, String)] = []
    ) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: headers.map { (name: $0.0, value: $0.1) },
            body: Secret(body)
        )
    }
}

extension HTTPError {
    /// Nobody listens there.
    package static let refused = HTTPError(.unreachable, url: "http://test", detail: "refused")
    /// No answer to the attempt to connect.
    package static let blackholed = HTTPError(
        .timedOut(.connect),
        url: "http://test",
        detail: "no answer"
    )
}

extension HTTPRequest {
    /// The headers as `name: value`.
    package var headerLines: [String] { headers.map { "\($0.name): \($0.value.text)" } }
}

/// A JWT of these claims (JSON text) that nobody signed.
package func unsignedJWT(_ claims: String) -> String {
    let header = base64URLEncoded(Array(#"{"alg":"RS256","typ":"JWT"}"#.utf8))
    return "\(header).\(base64URLEncoded(Array(claims.utf8))).c2lnbmF0dXJl"
}
