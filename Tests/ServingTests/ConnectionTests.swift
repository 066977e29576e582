import FoundationEssentials
import Kernel
import Serving
import TestSupport
import Testing
import Text

@Suite(.timeLimit(.minutes(1))) struct Connections {
    @Test func `requests on one connection are answered in their order`() async throws {
        let answer = try await exchange(
            "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
                + "\r\nhiHEAD /3 HTTP/1.1\r\nHost: h\r\n\r\n"
                + "GET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /5 HTTP/1.1\r\n\r\n"
        )
        #expect(answer.bodies == ["GET /1 ", "POST /2 hi", "", "GET /4 "])
        #expect(answer.text.contains("\r\nContent-Length: 8\r\n\r\nHTTP/1.1 200 OK\r\n"))
    }

    @Test func `a connection of HTTP 1.0 is closed after the answer`() async throws {
        let answer = try await exchange("GET /1 HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n")
        #expect(answer.bodies == ["GET /1 "])
    }

    @Test func `a client that asks is told to go on`() async throws {
        let answer = try await exchange(
            "POST /1 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
                + "Connection: close\r\n\r\n",
            then: "hi"
        )
        #expect(answer.text.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
        #expect(answer.text.hasSuffix("POST /1 hi"))
    }

    @Test func `what cannot be read is answered, and the connection closed`() async throws {
        let answer = try await exchange(
            "GET / HTTP/1.1\nHost: h\n\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
        )
        #expect(answer.text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(answer.text.hasSuffix("a line does not end in CR LF\n"))
    }

    @Test func `a body beyond the limit is refused before it has come`() async throws {
        let answer = try await exchange(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n"
        )
        #expect(answer.text.hasPrefix("HTTP/1.1 413 "))
    }

    @Test func `a silent client is dropped`() async throws {
        var limits = ServingLimits()
        limits.readTimeout = .milliseconds(50)
        let answer = try await exchange("GET / HTTP/1.1\r\nHo", limits: limits)
        #expect(answer.text.isEmpty)
    }

    @Test func `the client reads what the server answers`() async throws {
        try await withServer { address in
            let stream = try await connect(to: address)
            let response = try await request(
                HTTPClientRequest("POST", "/p?q=1", body: Array("hello".utf8)),
                over: stream
            )
            #expect(response.status == 200)
            #expect(response.body == Array("POST /p hello".utf8))
            #expect(response.headers["content-length"] == "13")
        }
    }

    @Test func `an answer that breaks off is an error`() async throws {
        try await withServer { address in
            let stream = try await connect(to: address)
            await #expect(throws: HTTPClientError.incomplete) {
                try await request(HTTPClientRequest("GET", "/break"), over: stream)
            }
        }
    }

    @Test func `a Unix socket is served as well`() async throws {
        let path = "/tmp/wif-serving-\(UInt64.random(in: 0...UInt64.max)).sock"
        try await withServer(.unix(path: path)) { address in
            #expect(address == .unix(path: path))
            let stream = try await connect(to: address)
            let response = try await request(HTTPClientRequest("GET", "/u"), over: stream)
            #expect(response.body == Array("GET /u ".utf8))
        }
        try FileManager.default.removeItem(atPath: path)
    }

    @Test func `dates are written as HTTP wants them`() {
        #expect(
            httpDate(of: .init(secondsSinceEpoch: 784_111_777))
                == "Sun, 06 Nov 1994 08:49:37 GMT"
        )
        #expect(
            httpDate(of: .init(secondsSinceEpoch: 951_782_400))
                == "Tue, 29 Feb 2000 00:00:00 GMT"
        )
    }

    // 256 peers that asked for a page of a megabyte and read nothing had it in memory 256 times.
    @Test func `peers that leave too much unread are let go`() async throws {
        var limits = ServingLimits()
        limits.unreadBytes = 4 << 20
        let scratch = ScratchDirectory()
        let ended = try await withServer(.unix(path: scratch("s")), limits: limits) { address in
            let request = Array("GET /long HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            var streams: [SocketStream] = []
            for _ in 0..<8 {
                let stream = try await connect(to: address)
                try await stream.write(request)
                _ = try await stream.read(upTo: 12)
                streams.append(stream)
            }
            // Of each the kernel has a part; whoever was let go gets no more than that.
            var ended = 0
            for stream in streams {
                var count = 12
                while count < 1 << 20 {
                    let piece = (try? await stream.read(upTo: 65_536)) ?? []
                    if piece.isEmpty { break }
                    count += piece.count
                }
                if count < 1 << 20 { ended += 1 }
            }
            return ended
        }
        #expect(ended == 4)
    }

    @Test(arguments: ["Content-Length: 1\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1\r\n"])
    func `a server that takes no bodies says so at once`(rest: String) async throws {
        var limits = ServingLimits()
        limits.bodyBytes = 0
        let answer = try await exchange("POST / HTTP/1.1\r\nHost: h\r\n\(rest)", limits: limits)
        #expect(answer.text.hasPrefix("HTTP/1.1 413 "))
        let empty = try await exchange(
            "POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
            limits: limits
        )
        #expect(empty.text.hasPrefix("HTTP/1.1 200 "))
    }

    // A full house of idle peers locked everybody else out for as long as they stayed.
    @Test func `of too many connections the longest idle one ends`() async throws {
        var limits = ServingLimits()
        limits.connections = 2
        let (first, second, third) = try await withServer(limits: limits) { address in
            let request = Array("GET /a HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            var answers: [Int] = []
            let streams = [
                try await connect(to: address), try await connect(to: address),
                try await connect(to: address),
            ]
            // Returns when the server, which is in no hurry, has hung up.
            answers.append((try? await streams[0].read(upTo: 12).count) ?? 0)
            for stream in streams.dropFirst() {
                try await stream.write(request)
                answers.append(try await stream.read(upTo: 12).count)
            }
            return (answers[0], answers[1], answers[2])
        }
        #expect((first, second, third) == (0, 12, 12))
    }
}

private struct Answer {
    let text: String

    var bodies: [String] {
        text.split(separator: "HTTP/1.1 ").map { part in
            String(
                part.split(separator: "\r\n\r\n", omittingEmptySubsequences: false).dropFirst()
                    .joined()
            )
        }
    }
}

/// Sends the text to a server that echoes, and everything it answered until it closed.
private func exchange(
    _ text: String,
    then second: String? = nil,
    limits: ServingLimits = ServingLimits()
) async throws -> Answer {
    try await withServer(limits: limits) { address in
        let stream = try await connect(to: address)
        try await stream.write(Array(text.utf8))
        var received: [UInt8] = []
        if let second {
            received += try await stream.read(upTo: 1024)
            try await stream.write(Array(second.utf8))
        }
        while true {
            let bytes = try await stream.read(upTo: 4096)
            if bytes.isEmpty { break }
            received += bytes
        }
        return Answer(text: String(decoding: received, as: UTF8.self))
    }
}

private func withServer<Value: Sendable>(
    _ address: SocketAddress = .tcp(host: "127.0.0.1", port: 0),
    limits: ServingLimits = ServingLimits(),
    _ body: @escaping @Sendable (SocketAddress) async throws -> Value
) async throws -> Value {
    let listener = try Listener(address)
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask {
            try await serve(listener, limits: limits) { request, _ in echo(request) }
            return nil
        }
        group.addTask { try await body(listener.address) }
        defer { group.cancelAll() }
        return try #require(try await group.next() ?? nil)
    }
}

private func echo(_ request: HTTPServerRequest) -> HTTPServerResponse {
    let text = "\(request.method) \(request.path) " + String(decoding: request.body, as: UTF8.self)
    var response = HTTPServerResponse(status: 200, text: text)
    if request.path == "/long" {
        // More than a socket's buffers take.
        return HTTPServerResponse(status: 200, body: [UInt8](repeating: 0x78, count: 1 << 20))
    }
    if request.path == "/break" {
        response.takeOver = { stream in
            try await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".utf8))
        }
    }
    return response
}
