package import Kernel

/// Serves one connection until it ends, is broken, stays idle, or the task is cancelled.
///
/// Requests are answered in the order they came. What cannot be read is answered with the error's
/// status, and the connection closed.
package func serve(
    _ stream: any ByteStream,
    limits: ServingLimits = ServingLimits(),
    handler: @Sendable (HTTPServerRequest) async -> HTTPServerResponse
) async {
    var connection = Connection(stream: stream, limits: limits)
    // A connection that breaks or times out has nobody left to tell.
    try? await connection.run(handler)
    stream.close()
}

private struct Connection: Sendable {
    let stream: any ByteStream
    let limits: ServingLimits
    var parser: HTTPRequestParser

    init(stream: any ByteStream, limits: ServingLimits) {
        self.stream = stream
        self.limits = limits
        parser = HTTPRequestParser(limits: limits)
    }

    mutating func run(
        _ handler: @Sendable (HTTPServerRequest) async -> HTTPServerResponse
    ) async throws {
        do {
            while let request = try await nextRequest() {
                var response = await handler(request)
                if let takeOver = response.takeOver { return try await takeOver(stream) }
                response.closes = response.closes || !request.keepsAlive
                try await send(response, withBody: request.method != "HEAD")
                if response.closes { return }
            }
        } catch let error as HTTPRequestError {
            try await refuse(error)
        }
    }

    private mutating func nextRequest() async throws -> HTTPServerRequest? {
        let start = self
        let (parser, request) = try await within(limits.readTimeout) {
            var connection = start
            let request = try await connection.read()
            return (connection.parser, request)
        }
        self.parser = parser
        return request
    }

    private mutating func read() async throws -> HTTPServerRequest? {
        var hasContinued = false
        while true {
            if let request = try parser.next() { return request }
            if parser.awaitsContinue, !hasContinued {
                hasContinued = true
                try await stream.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
            }
            let bytes = try await stream.read(upTo: 16 * 1024)
            guard !bytes.isEmpty else { return nil }
            parser.append(bytes)
        }
    }

    private func send(_ response: HTTPServerResponse, withBody: Bool) async throws {
        let head = response.head(keepsAlive: !response.closes)
        let body = withBody && response.allowsBody ? response.body : []
        let stream = stream
        try await within(limits.writeTimeout) {
            // One packet for a short one; a long one is not copied.
            if body.count <= Self.short { return try await stream.write(head + body) }
            try await stream.write(head)
            try await stream.write(body)
        }
    }

    private static let short = 16 * 1024

    private func refuse(_ error: HTTPRequestError) async throws {
        var response = HTTPServerResponse(status: error.status, text: error.reason + "\n")
        response.closes = true
        try await send(response, withBody: true)
        try await drain()
    }

    /// Takes what is still on its way: closing on unread bytes would destroy the response. RFC 9112 9.6
    private func drain() async throws {
        let stream = stream
        try await within(.seconds(1)) {
            var rest = 1024 * 1024
            while rest > 0 {
                let count = try await stream.read(upTo: 64 * 1024).count
                if count == 0 { return }
                rest -= count
            }
        }
    }
}
