import Text

/// Reads requests from bytes as they come: a pure value, no input or output of its own.
///
/// It refuses whatever two readers could understand differently (RFC 9112 2.2, 5.2, 6.3): bare line
/// feeds, folded headers, a length beside a transfer coding, two lengths.
package struct HTTPRequestParser: Sendable {
    private enum Stage {
        case head
        case fixedBody(HTTPServerRequest, length: Int)
        case chunkedBody(HTTPServerRequest, ChunkedBody)
    }

    private let limits: ServingLimits
    private var buffer = LineBuffer()
    private var stage = Stage.head
    private var hasDroppedLineEnd = false

    package init(limits: ServingLimits = ServingLimits()) {
        self.limits = limits
    }

    /// Takes bytes that arrived; ``next()`` then reads them.
    package mutating func append(_ bytes: [UInt8]) {
        buffer.append(bytes)
    }

    /// Whether nothing of a request has arrived yet.
    package var isIdle: Bool {
        if case .head = stage { return buffer.isEmpty }
        return false
    }

    /// Whether the peer waits for `100 Continue` before it sends the body.
    package var awaitsContinue: Bool {
        switch stage {
        case .head: false
        case .fixedBody(let request, _), .chunkedBody(let request, _):
            buffer.isEmpty && request.minorVersion >= 1 && request.header("expect") != nil
        }
    }

    /// The next whole request; `nil` until more bytes have come.
    ///
    /// After an error the stream has no meaning any more: the connection must be closed.
    package mutating func next() throws(HTTPRequestError) -> HTTPServerRequest? {
        if case .head = stage {
            guard let head = try nextHead() else { return nil }
            stage = try bodyStage(of: head)
        }
        guard let request = try bodied() else { return nil }
        stage = .head
        hasDroppedLineEnd = false
        return request
    }

    private mutating func bodied() throws(HTTPRequestError) -> HTTPServerRequest? {
        switch stage {
        case .head: return nil
        case .fixedBody(var request, let length):
            guard buffer.count >= length else { return nil }
            request.body = buffer.take(length)
            return request
        case .chunkedBody(var request, var body):
            // Held here alone while it grows, or each chunk would copy all those before it.
            stage = .head
            guard try body.read(&buffer, limits: limits) else {
                stage = .chunkedBody(request, body)
                return nil
            }
            request.body = body.bytes
            return request
        }
    }

    private mutating func nextHead() throws(HTTPRequestError) -> HTTPServerRequest? {
        // One empty line before a request is left over from careless clients. RFC 9112 2.2
        if !hasDroppedLineEnd { hasDroppedLineEnd = buffer.dropLeadingLineEnd() }
        guard let lines = try buffer.takeHead(limit: limits.headBytes) else { return nil }
        guard let first = lines.first else { throw .malformed("the request line is empty") }
        var request = try requestLine(first)
        request.headers = try fields(parsing: lines.dropFirst(), limits: limits)
        try check(request)
        return request
    }

    private func requestLine(
        _ line: ArraySlice<UInt8>
    ) throws(HTTPRequestError) -> HTTPServerRequest {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(isTokenByte),
            parts[1].isVisibleASCII
        else { throw .malformed("the request line is malformed") }
        let target = String(decoding: parts[1], as: UTF8.self)
        let minorVersion = try version(parts[2])
        let parsed = try RequestTarget(parsing: target)
        return HTTPServerRequest(
            method: String(decoding: parts[0], as: UTF8.self),
            target: target,
            path: parsed.path,
            query: parsed.query,
            headers: [],
            minorVersion: minorVersion
        )
    }

    private func version(_ bytes: ArraySlice<UInt8>) throws(HTTPRequestError) -> Int {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.count == 8, text.hasPrefix("HTTP/"), text.dropFirst(6).first == ".",
            text.dropFirst(5).first?.wholeNumberValue != nil,
            let minor = text.last?.wholeNumberValue
        else { throw .malformed("the request line is malformed") }
        guard text.dropFirst(5).first == "1" else { throw .version }
        return min(minor, 1)
    }

    private func check(_ request: HTTPServerRequest) throws(HTTPRequestError) {
        let hosts = request.headers.filter { $0.name == "host" }
        guard hosts.count == 1 || (hosts.isEmpty && request.minorVersion == 0) else {
            throw .malformed("there must be one Host header")
        }
        if request.minorVersion >= 1,
            request.headers.members(of: "expect").contains(where: { $0 != "100-continue" })
        {
            throw .expectation
        }
    }

    private func bodyStage(of request: HTTPServerRequest) throws(HTTPRequestError) -> Stage {
        let lengths = request.headers.filter { $0.name == "content-length" }
        let hasCoding = request.headers.contains { $0.name == "transfer-encoding" }
        if hasCoding {
            guard lengths.isEmpty, request.minorVersion >= 1 else {
                throw .malformed("the body's length is ambiguous")
            }
            guard request.headers.members(of: "transfer-encoding") == ["chunked"] else {
                throw .unsupported("chunked is the only transfer coding")
            }
            return .chunkedBody(request, ChunkedBody())
        }
        guard lengths.count <= 1 else { throw .malformed("the body's length is ambiguous") }
        return .fixedBody(request, length: try length(lengths.first?.value ?? "0"))
    }

    private func length(_ text: String) throws(HTTPRequestError) -> Int {
        guard text.utf8.isNumber else { throw .malformed("the body's length is malformed") }
        // What overflows is too large as well.
        guard let length = Int(text), length <= limits.bodyBytes else { throw .bodyTooLarge }
        return length
    }
}
