package import Kernel

/// A request to a server on this machine, such as the agent's control socket.
package struct HTTPClientRequest: Sendable {
    package var method: String
    /// Path and query, encoded.
    package var target: String
    package var headers: [HTTPField]
    package var body: [UInt8]

    package init(
        _ method: String = "GET",
        _ target: String,
        headers: [HTTPField] = [],
        body: [UInt8] = []
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// The answer to a ``HTTPClientRequest``.
package struct HTTPClientResponse: Sendable {
    package let status: Int
    /// In order; the names in lower case.
    package let headers: [HTTPField]
    package let body: [UInt8]
}

/// Why an answer could not be read.
package enum HTTPClientError: Error, Equatable, CustomStringConvertible {
    /// The connection ended before the answer did.
    case incomplete
    /// The answer is not HTTP/1.1, or uses what is not read here (transfer codings).
    case malformed
    /// The answer is larger than it may be.
    case tooLarge

    package var description: String {
        switch self {
        case .incomplete: "the answer broke off"
        case .malformed: "the answer is not HTTP"
        case .tooLarge: "the answer is too large"
        }
    }
}

/// Sends one request and reads the answer; the connection is of no further use.
///
/// The body ends by `Content-Length`, else with the connection.
/// - Throws: ``HTTPClientError``, ``Errno``, or `CancellationError`.
package func request(
    _ request: HTTPClientRequest,
    over stream: any ByteStream,
    bodyLimit: Int = 16 * 1024 * 1024
) async throws -> HTTPClientResponse {
    try await stream.write(request.bytes)
    var buffer = LineBuffer()
    var head: (status: Int, fields: [HTTPField])?
    while head == nil {
        let bytes = try await stream.read(upTo: 16 * 1024)
        guard !bytes.isEmpty else { throw HTTPClientError.incomplete }
        buffer.append(bytes)
        // An interim answer (100) is followed by the one that counts.
        repeat { head = try responseHead(&buffer) } while head.map { $0.status < 200 } ?? false
    }
    guard let head else { throw HTTPClientError.incomplete }
    let length = try bodyLength(head, method: request.method)
    guard length ?? 0 <= bodyLimit else { throw HTTPClientError.tooLarge }
    while length.map({ buffer.count < $0 }) ?? true {
        let bytes = try await stream.read(upTo: 64 * 1024)
        if bytes.isEmpty { break }
        buffer.append(bytes)
        guard buffer.count <= bodyLimit else { throw HTTPClientError.tooLarge }
    }
    guard buffer.count >= length ?? 0 else { throw HTTPClientError.incomplete }
    let body = buffer.take(length ?? buffer.count)
    return HTTPClientResponse(status: head.status, headers: head.fields, body: body)
}

extension HTTPClientRequest {
    fileprivate var bytes: [UInt8] {
        var fields = [HTTPField("Host", "localhost"), HTTPField("Connection", "close")] + headers
        if !body.isEmpty || method == "POST" {
            fields.append(HTTPField("Content-Length", String(body.count)))
        }
        let lines = fields.map { "\($0.name): \($0.value)\r\n" }.joined()
        return Array("\(method) \(target) HTTP/1.1\r\n\(lines)\r\n".utf8) + body
    }
}

private func responseHead(
    _ buffer: inout LineBuffer
) throws(HTTPClientError) -> (status: Int, fields: [HTTPField])? {
    do {
        guard let lines = try buffer.takeHead(limit: 64 * 1024) else { return nil }
        let line = String(decoding: lines.first ?? [], as: UTF8.self)
        guard line.hasPrefix("HTTP/1."), let status = Int(line.dropFirst(9).prefix(3)),
            100...599 ~= status
        else { throw HTTPClientError.malformed }
        return (status, try fields(parsing: lines.dropFirst(), limits: ServingLimits()))
    } catch {
        throw .malformed
    }
}

private func bodyLength(
    _ head: (status: Int, fields: [HTTPField]),
    method: String
) throws(HTTPClientError) -> Int? {
    if method == "HEAD" || head.status == 204 || head.status == 304 { return 0 }
    guard head.fields["transfer-encoding"] == nil else { throw .malformed }
    guard let text = head.fields["content-length"] else { return nil }
    guard let length = Int(text), length >= 0 else { throw .malformed }
    return length
}
