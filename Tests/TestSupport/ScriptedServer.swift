package import Kernel
import Synchronization

/// An HTTP server on a loopback socket that says exactly what a test tells it to, well-formed or not.
package final class ScriptedServer: Sendable {
    /// What is done with one request.
    package enum Answer: Sendable {
        /// These bytes; the connection stays open for the next request.
        case send(String)
        /// These bytes, and the end of the connection.
        case sendAndClose(String)
        /// Nothing, for as long as the client waits.
        case silence
    }

    /// A request as it came: head and body in one.
    package struct Request: Sendable {
        package let text: String
        /// Which connection it came over, from 1.
        package let connection: Int

        /// The first line.
        package var line: String { String(text.prefix { $0 != "\r\n" }) }
    }

    private struct State {
        var requests: [Request] = []
        var connections = 0
    }

    private let listener: Listener
    private let state = Mutex(State())

    private init(_ address: SocketAddress) throws {
        listener = try Listener(address)
    }

    /// Serves for the length of `body`, on IPv4 loopback with a port of the kernel's choice unless
    /// `address` says otherwise. `secure` may put TLS around each connection.
    package static func serving<Result: Sendable>(
        at address: SocketAddress = .tcp(host: "127.0.0.1", port: 0),
        secure: @escaping @Sendable (any ByteStream) async throws -> any ByteStream = { $0 },
        answer: @escaping @Sendable (Request) -> Answer,
        _ body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let server = try ScriptedServer(address)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run(secure, answer) }
            defer { group.cancelAll() }
            return try await body(server)
        }
    }

    /// The port it listens on.
    package var port: UInt16 {
        if case .tcp(_, let port) = listener.address { port } else { 0 }
    }

    /// All requests so far.
    package var requests: [Request] { state.withLock { $0.requests } }

    /// How many connections have been made so far.
    package var connections: Int { state.withLock { $0.connections } }

    private func run(
        _ secure: @escaping @Sendable (any ByteStream) async throws -> any ByteStream,
        _ answer: @escaping @Sendable (Request) -> Answer
    ) async throws {
        await withTaskGroup(of: Void.self) { group in
            // The test's end is a cancellation, and a client that goes away is part of the tests.
            while let socket = try? await listener.accept() {
                let number = state.withLock { state in
                    state.connections += 1
                    return state.connections
                }
                group.addTask {
                    try? await self.converse(over: socket, number, secure, answer)
                    socket.close()
                }
            }
            group.cancelAll()
        }
    }

    private func converse(
        over socket: SocketStream,
        _ number: Int,
        _ secure: @Sendable (any ByteStream) async throws -> any ByteStream,
        _ answer: @Sendable (Request) -> Answer
    ) async throws {
        let stream = try await secure(socket)
        defer { stream.close() }
        while let text = try await request(from: stream) {
            let request = Request(text: text, connection: number)
            state.withLock { $0.requests.append(request) }
            switch answer(request) {
            case .send(let reply): try await stream.write(Array(reply.utf8))
            case .sendAndClose(let reply): return try await stream.write(Array(reply.utf8))
            case .silence: _ = try await stream.read(upTo: 1)
            }
        }
    }

    private func request(from stream: any ByteStream) async throws -> String? {
        var text = ""
        while true {
            let parts = text.split(
                separator: "\r\n\r\n",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            if parts.count == 2, parts[1].utf8.count >= contentLength(parts[0]) { return text }
            let bytes = try await stream.read(upTo: 65_536)
            if bytes.isEmpty { return nil }
            text += String(decoding: bytes, as: UTF8.self)
        }
    }

    private func contentLength(_ head: Substring) -> Int {
        for line in head.split(separator: "\r\n") {
            let parts = line.split(separator: ": ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "content-length" {
                return Int(parts[1]) ?? 0
            }
        }
        return 0
    }
}
