import Serving
import TestSupport
import Testing

@Suite struct `Request parser` {
    @Test func `a request is taken apart`() throws {
        let request = try #require(
            try parse(
                "GET /a%20b/c?x=1%262&y+z=%C3%A9&flag HTTP/1.1\r\nHost: h\r\nX-A:  v \r\n\r\n"
            )
        )
        #expect(request.method == "GET")
        #expect(request.target == "/a%20b/c?x=1%262&y+z=%C3%A9&flag")
        #expect(request.path == "/a b/c")
        #expect(
            request.query == [HTTPField("x", "1&2"), HTTPField("y z", "é"), HTTPField("flag", "")]
        )
        #expect(request.header("x-a") == "v")
        #expect(request.body.isEmpty)
    }

    static let bodies: [(String, String, String)] = [
        ("length", "Content-Length: 5\r\n\r\nhello", "hello"),
        ("no length", "\r\n", ""),
        ("one chunk", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"),
        (
            "chunks with extensions and trailers",
            "Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\nhe\r\n03 \r\nllo\r\n0\r\nT: v\r\n\r\n",
            "hello"
        ),
    ]

    @Test(arguments: bodies)
    func `a body is read whatever its framing`(name: String, rest: String, body: String) throws {
        let bytes = "POST / HTTP/1.1\r\nHost: h\r\n" + rest
        #expect(try parse(bytes)?.body == Array(body.utf8), "\(name)")
    }

    @Test(arguments: bodies)
    func `bytes may come one at a time, and the next request after them`(
        name: String,
        rest: String,
        body: String
    ) throws {
        let bytes = Array(("POST / HTTP/1.1\r\nHost: h\r\n" + rest).utf8)
        var parser = HTTPRequestParser()
        for byte in bytes.dropLast() {
            parser.append([byte])
            #expect(try parser.next() == nil)
        }
        parser.append([bytes[bytes.count - 1]] + bytes)
        #expect(try parser.next()?.body == Array(body.utf8))
        #expect(try parser.next()?.body == Array(body.utf8))
        #expect(try parser.next() == nil)
        #expect(parser.isIdle)
    }

    static let refusals: [(String, String, Int)] = [
        ("bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400),
        ("bare CR", "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400),
        ("LF inside", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400),
        ("NUL", "GET / HTTP/1.1\r\nHost: h\0\r\n\r\n", 400),
        ("folded", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400),
        ("space before colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
        ("no name", "GET / HTTP/1.1\r\nHost: h\r\n: v\r\n\r\n", 400),
        ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("two lengths", "\(post)Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        ("list of lengths", "\(post)Content-Length: 1, 1\r\n\r\nx", 400),
        ("signed length", "\(post)Content-Length: +1\r\n\r\nx", 400),
        ("empty length", "\(post)Content-Length:\r\n\r\nx", 400),
        (
            "length and chunked",
            "\(post)Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400
        ),
        ("chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("other coding", "\(post)Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("chunked twice", "\(post)Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501),
        ("chunk size", "\(post)Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400),
        ("negative chunk", "\(post)Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400),
        ("long chunk", "\(post)Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400),
        ("chunk with LF", "\(post)Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400),
        ("huge chunk", "\(post)Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413),
        ("huge length", "\(post)Content-Length: 1048577\r\n\r\n", 413),
        ("overflowing length", "\(post)Content-Length: 99999999999999999999999\r\n\r\n", 413),
        ("long line", "GET /\(String(repeating: "a", count: 17_000))", 431),
        (
            "long header",
            "GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "a", count: 16_384))\r\n\r\n", 431
        ),
        (
            "many headers",
            "GET / HTTP/1.1\r\n\(String(repeating: "X: y\r\n", count: 101))\r\n", 431
        ),
        ("HTTP/2", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        ("HTTP/1.x", "GET / HTTP/1.x\r\nHost: h\r\n\r\n", 400),
        ("HTTP/0.9", "GET /\r\n\r\n", 400),
        ("two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("method", "G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("target", "GET example HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("broken escape", "GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("escaped NUL", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("not UTF-8", "GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\n", 400),
        ("expectation", "\(post)Expect: miracles\r\nContent-Length: 1\r\n\r\n", 417),
    ]
    private static let post = "POST / HTTP/1.1\r\nHost: h\r\n"

    @Test(arguments: refusals)
    func `what could be read in two ways is refused`(name: String, text: String, status: Int) {
        let error = #expect(throws: HTTPRequestError.self, "\(name)") { try parse(text) }
        #expect(error?.status == status, "\(name)")
    }

    @Test func `one empty line before a request is passed over, however it comes`() {
        let request = "GET / HTTP/1.0\r\n\r\n"
        for (lines, isRefused) in [("\r\n", false), ("\r\n\r\n", true)] {
            let bytes = Array("\(lines)\(request)\(lines)\(request)".utf8)
            #expect(outcome(of: [bytes]).contains("refused") == isRefused)
            #expect(outcome(of: bytes.map { [$0] }) == outcome(of: [bytes]))
        }
    }

    @Test func `the absolute form is read as its path`() throws {
        let request = try parse("GET http://h:1/x?y=z HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(request?.path == "/x")
        #expect(request?.query["y"] == "z")
    }

    @Test func `a client that waits before its body is known`() throws {
        var parser = HTTPRequestParser()
        parser.append(
            Array(
                "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
                    .utf8
            )
        )
        #expect(try parser.next() == nil)
        #expect(parser.awaitsContinue)
        parser.append(Array("ok".utf8))
        #expect(try parser.next()?.body == Array("ok".utf8))
    }

    // Random bytes, and requests with random bytes changed: nothing may trap, and what is read
    // must be the same however the bytes are cut.
    @Test(arguments: 0..<200)
    func `no bytes make it stumble`(seed: UInt64) {
        var random = Generator(seed: seed)
        var bytes = Array(
            ("POST /p?q=%41 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").utf8
        )
        for _ in 0..<(seed % 8) {
            bytes[Int.random(in: bytes.indices, using: &random)] = .random(
                in: 0...255,
                using: &random
            )
        }
        let whole = outcome(of: [bytes])
        let cut = Int.random(in: bytes.indices, using: &random)
        #expect(outcome(of: [Array(bytes[..<cut]), Array(bytes[cut...])]) == whole)
    }

    private func outcome(of pieces: [[UInt8]]) -> [String] {
        var parser = HTTPRequestParser()
        var found: [String] = []
        do {
            for piece in pieces {
                parser.append(piece)
                while let request = try parser.next() { found.append("\(request)") }
            }
        } catch {
            // Which of two faults is met first may depend on the cut; that there is one may not.
            found.append("refused")
        }
        return found
    }
}

private func parse(_ text: String) throws -> HTTPServerRequest? {
    var parser = HTTPRequestParser()
    parser.append(Array(text.utf8))
    return try parser.next()
}
