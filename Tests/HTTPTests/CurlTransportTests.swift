import HTTP
import Kernel
import Synchronization
import TestSupport
import Testing
import Text

private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Thing:  a b \r\n\r\nhi"

/// Seconds from now.
private func within(_ seconds: Double) -> BootInstant {
    BootInstant.now.advanced(bySeconds: seconds)
}

/// One request to a server that gives one answer.
private func exchange(
    _ answer: ScriptedServer.Answer,
    deadline: Double = 30,
    path: String = "/",
    change: (inout HTTPRequest) -> Void = { _ in }
) async throws -> HTTPResponse {
    let transport = try CurlTransport(userAgent: "wif-agent/test")
    return try await ScriptedServer.serving(answer: { _ in answer }) { server in
        var request = HTTPRequest("GET", "http://127.0.0.1:\(server.port)\(path)")
        request.connectTimeout = 30
        change(&request)
        return try await transport.send(request, deadline: within(deadline))
    }
}

@Suite(.timeLimit(.minutes(1))) struct CurlTransportTests {
    @Test func `a reply comes back with status, headers and body`() async throws {
        let response = try await exchange(.send(ok))
        #expect(response.status == 200)
        #expect(response.header("x-thing") == "a b")
        #expect(response.body.text == "hi")
    }

    @Test func `a request is sent as it was made`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        let request = try await ScriptedServer.serving(answer: { _ in .send(ok) }) { server in
            var request = HTTPRequest("POST", "http://127.0.0.1:\(server.port)/a/../b?c=%20d")
            request.headers = [
                HTTPHeader("Content-Type", "application/json"),
                HTTPHeader("Authorization", value: Secret("Bearer t")), HTTPHeader("X-Empty", ""),
            ]
            request.body = Secret("{}")
            _ = try await transport.send(request, deadline: within(30))
            return try #require(server.requests.first?.text)
        }
        #expect(request.hasPrefix("POST /a/../b?c=%20d HTTP/1.1\r\n"))
        #expect(request.contains("\r\nUser-Agent: wif-agent/test\r\n"))
        #expect(request.contains("\r\nAuthorization: Bearer t\r\n"))
        #expect(request.contains("\r\nX-Empty:\r\n"))
        #expect(request.contains("\r\nContent-Length: 2\r\n"))
        #expect(!request.contains("Expect:") && !request.contains("Accept-Encoding"))
        #expect(request.hasSuffix("\r\n\r\n{}"))
    }

    @Test func `a PUT without a body says that it has none`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        let request = try await ScriptedServer.serving(answer: { _ in .send(ok) }) { server in
            _ = try await transport.send(
                HTTPRequest("PUT", "http://127.0.0.1:\(server.port)/token"),
                deadline: within(30)
            )
            return try #require(server.requests.first?.text)
        }
        #expect(request.hasPrefix("PUT /token HTTP/1.1\r\n"))
        #expect(request.contains("\r\nContent-Length: 0\r\n"))
        #expect(!request.contains("Content-Type"))
    }

    @Test func `large bodies arrive whole both ways`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        let text = String(repeating: "x", count: 1 << 20)
        let reply = "HTTP/1.1 200 OK\r\nContent-Length: \(1 << 20)\r\n\r\n\(text)"
        try await ScriptedServer.serving(answer: { _ in .send(reply) }) { server in
            let request = HTTPRequest(
                "POST",
                "http://127.0.0.1:\(server.port)/",
                body: Secret(text)
            )
            let response = try await transport.send(request, deadline: within(30))
            #expect(response.body.count == 1 << 20)
            #expect(server.requests.first?.text.hasSuffix(text) == true)
        }
    }

    @Test func `one connection serves one request after another`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        try await ScriptedServer.serving(answer: { _ in .send(ok) }) { server in
            for _ in 0..<3 {
                let request = HTTPRequest("GET", "http://127.0.0.1:\(server.port)/")
                _ = try await transport.send(request, deadline: within(30))
            }
            #expect(server.requests.count == 3 && server.connections == 1)
        }
    }

    @Test func `twenty requests run side by side`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        try await ScriptedServer.serving(answer: { _ in .send(ok) }) { server in
            let url = "http://127.0.0.1:\(server.port)/"
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await transport.send(HTTPRequest("GET", url), deadline: within(30))
                            .status
                    }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(server.requests.count == 20)
        }
    }

    @Test func `a redirect is a reply`() async throws {
        let response = try await exchange(
            .send(
                "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
            )
        )
        #expect(response.status == 302)
        #expect(response.header("location") == "http://127.0.0.1:1/")
    }

    @Test func `headers of interim replies and trailers are left out`() async throws {
        let response = try await exchange(
            .send(
                "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
                    + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "2\r\nhi\r\n0\r\nX-Late: 1\r\n\r\n"
            )
        )
        #expect(response.status == 200 && response.body.text == "hi")
        #expect(response.headers.map(\.name) == ["transfer-encoding"])
    }

    @Test func `a socket in the file system stands for the host`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        let scratch = ScratchDirectory()
        let path = scratch("http.sock")
        let answer: @Sendable (ScriptedServer.Request) -> ScriptedServer.Answer = { _ in .send(ok) }
        try await ScriptedServer.serving(at: .unix(path: path), answer: answer) { _ in
            let request = HTTPRequest("GET", "http://localhost/", unixSocket: path)
            let status = try await transport.send(request, deadline: within(30)).status
            #expect(status == 200)
        }
    }

    @Test func `a proxy is asked only where the route says so`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
        try await ScriptedServer.serving(answer: { _ in .sendAndClose(refusal) }) { proxy in
            let settings = ProxySettings(
                url: "http://127.0.0.1:\(proxy.port)",
                noProxy: "other.example,direct.invalid"
            )
            var request = HTTPRequest(
                "GET",
                "https://proxied.invalid/x",
                route: .proxied(settings)
            )
            request.connectTimeout = 30
            let refusal = try await #require(throws: HTTPError.self) {
                try await transport.send(request, deadline: within(30))
            }
            #expect(refusal.kind == .proxy, "\(refusal)")
            #expect(proxy.requests.first?.line == "CONNECT proxied.invalid:443 HTTP/1.1")
            request.url = "https://direct.invalid/"
            let error = try await #require(throws: HTTPError.self) {
                try await transport.send(request, deadline: within(5))
            }
            #expect(error.kind != .proxy)
            #expect(proxy.requests.count == 1)
        }
    }

    // A proxy would read the token that goes to a service on this machine.
    @Test func `plain http goes by no proxy`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        try await ScriptedServer.serving(answer: { _ in .send(ok) }) { proxy in
            try await ScriptedServer.serving(answer: { _ in .send(ok) }) { server in
                let settings = ProxySettings(url: "http://127.0.0.1:\(proxy.port)")
                let request = HTTPRequest(
                    "GET",
                    "http://127.0.0.1:\(server.port)/x",
                    route: .proxied(settings)
                )
                let status = try await transport.send(request, deadline: within(30)).status
                #expect(status == 200)
                #expect(server.requests.map(\.line) == ["GET /x HTTP/1.1"])
                #expect(proxy.requests.isEmpty)
            }
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct CurlTransportFailureTests {
    @Test func `a refused connection is told as such`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        let port = try Listener(.tcp(host: "127.0.0.1", port: 0)).address
        let request = HTTPRequest("GET", "http://\(port)/path?secret=1")
        let error = try await #require(throws: HTTPError.self) {
            try await transport.send(request, deadline: within(30))
        }
        #expect(error.kind == .unreachable)
        #expect(error.description.hasPrefix("http://\(port)/path: no connection: "))
        #expect(!error.description.contains("secret"))
    }

    @Test(arguments: [
        ("SSH-2.0-x\r\n\r\n", HTTPError.Kind.malformed),
        ("", .interrupted),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi", .interrupted),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", .interrupted),
    ])
    func `a reply cut short or out of form is an error`(
        reply: String,
        kind: HTTPError.Kind
    ) async throws {
        let error = try await #require(throws: HTTPError.self) {
            try await exchange(.sendAndClose(reply))
        }
        #expect(error.kind == kind, "\(error)")
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"
            + String(repeating: "x", count: 1_048_577),
        "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 2_000_000),
        "HTTP/1.1 200 OK\r\n"
            + String(repeating: "X: \(String(repeating: "y", count: 5000))\r\n", count: 60)
            + "\r\n",
    ])
    func `a reply that is too large is given up`(reply: String) async throws {
        let error = try await #require(throws: HTTPError.self) {
            try await exchange(.sendAndClose(reply))
        }
        #expect(error.kind == .tooLarge, "\(error)")
    }

    @Test func `a server that says nothing is given up at the deadline`() async throws {
        let error = try await #require(throws: HTTPError.self) {
            try await exchange(.silence, deadline: 0.2)
        }
        #expect(error.kind == .timedOut(.receive), "\(error)")
    }

    @Test func `a deadline in the past sends nothing`() async throws {
        let error = try await #require(throws: HTTPError.self) {
            try await exchange(.send(ok), deadline: -1)
        }
        #expect(error.kind == .timedOut(.connect))
        #expect(error.phase?.isBeforeRequest == true)
    }

    @Test func `a cancelled task's transfer ends at once`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        let (asked, tell) = AsyncStream.makeStream(of: Void.self)
        let silence: @Sendable (ScriptedServer.Request) -> ScriptedServer.Answer = { _ in
            tell.yield()
            return .silence
        }
        try await ScriptedServer.serving(answer: silence) { server in
            let url = "http://127.0.0.1:\(server.port)/"
            await withTaskGroup(of: HTTPError?.self) { group in
                group.addTask {
                    do throws(HTTPError) {
                        _ = try await transport.send(HTTPRequest("GET", url), deadline: within(50))
                        return nil
                    } catch {
                        return error
                    }
                }
                for await _ in asked.prefix(1) {}
                group.cancelAll()
                #expect(await group.next()??.kind == .cancelled)
            }
        }
    }

    @Test(arguments: [
        HTTPHeader("X-A", "a\r\nX-B: b"), HTTPHeader("X-A", "a\nb"), HTTPHeader("X-A", "a\0b"),
        HTTPHeader("X-A: b\r\nX-B", "c"), HTTPHeader("", "x"), HTTPHeader("X A", "x"),
        HTTPHeader("X:A", "x"),
    ])
    func `a header that holds a line break is refused`(header: HTTPHeader) async throws {
        let error = try await #require(throws: HTTPError.self) {
            try await exchange(.send(ok)) { $0.headers = [header] }
        }
        #expect(error.kind == .invalidRequest)
    }

    @Test(arguments: [
        "file:///etc/passwd", "ftp://host/", "host/path", "http://", "https://a b/", "https://ä/",
        "https://user:pass@host/", "https://host/\r\nX: y", "", "gopher://127.0.0.1/",
    ])
    func `a URL that is not plain http or https is refused`(url: String) async throws {
        let error = try await #require(throws: HTTPError.self) {
            try await exchange(.send(ok)) { $0.url = url }
        }
        #expect(error.kind == .invalidRequest)
        #expect(!error.description.contains("pass@"))
    }

    @Test(arguments: ["GET /\r\nX:", "", "G T"])
    func `a method that is no token is refused`(method: String) async throws {
        let error = try await #require(throws: HTTPError.self) {
            try await exchange(.send(ok)) { $0.method = method }
        }
        #expect(error.kind == .invalidRequest)
    }

    @Test func `a proxy that refuses the tunnel is blamed, its password untold`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        try await ScriptedServer.serving(answer: { _ in .sendAndClose(refusal) }) { proxy in
            let settings = ProxySettings(url: "http://user:hunter2@127.0.0.1:\(proxy.port)")
            var request = HTTPRequest("GET", "https://host.invalid/", route: .proxied(settings))
            request.connectTimeout = 30
            let error = try await #require(throws: HTTPError.self) {
                try await transport.send(request, deadline: within(30))
            }
            #expect(error.kind == .proxy, "\(error)")
            #expect(error.hint != nil && !error.description.contains("hunter2"))
        }
    }

    // libcurl quotes the URL whole in some of its errors, and takes a part of the password for a host.
    @Test(arguments: [
        "http://user:hunter2/ter2@127.0.0.1:1", "http://user:12/hunter2@127.0.0.1:1",
        "http://user:hunter2#x@127.0.0.1:1", "http://user:hunter2?x@127.0.0.1:1",
        "http://user:hunter2@127.0.0.1:99999", "http://user:hunter2@127.0.0.1:port",
        "htp://user:hunter2@127.0.0.1:1", "http://user:hunter2@", "http://user:hunter2@ho st:1",
        "ftp://user:hunter2@127.0.0.1:1", "user:hunter2@:1", "://user:hunter2@127.0.0.1",
        "http://user:hunter2@127.0.0.1:1", "http://user:hunter2@name.invalid:1",
        "socks5://user:hunter2@127.0.0.1:1", "socks9://user:hunter2@127.0.0.1:1",
    ])
    func `no error shows a proxy's password`(_ url: String) async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        let request = HTTPRequest(
            "GET",
            "https://host.invalid/",
            route: .proxied(ProxySettings(url: url)),
            connectTimeout: 10
        )
        let error = try await #require(throws: HTTPError.self) {
            try await transport.send(request, deadline: within(10))
        }
        for part in ["hunter", "ter2", "user:", "user port"] {
            #expect(!error.description.contains(part), "\(error)")
            #expect(error.hint?.contains(part) != true)
        }
    }
}
