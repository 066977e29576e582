import Crypto
import FoundationEssentials
import HTTP
import Kernel
import Synchronization
import TestSupport
import Testing

private let reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increase() { count.withLock { $0 += 1 } }
}

/// Serves TLS with a certificate of these hosts, and asks it once. The authority is in `ca.pem` of the
/// directory, for the request to trust or not.
private func ask(
    hosts: [String] = ["localhost", "127.0.0.1"],
    days: ClosedRange<Double> = -1...1,
    kind: PrivateKey.Kind = .p256,
    times: Int = 1,
    counter: Counter = Counter(),
    onlyShakesHands: Bool = false,
    trust: (String) throws -> HTTPRequest.Trust = { .file($0 + "/ca.pem") }
) async throws -> (HTTPResponse, connections: Int) {
    let authority = try CertificateAuthority(commonName: "test authority")
    let key = try PrivateKey.generate(kind)
    let certificate = try authority.issue(
        commonName: "server",
        hosts: hosts,
        key: key,
        notBefore: .now.advanced(bySeconds: days.lowerBound * 86_400),
        notAfter: .now.advanced(bySeconds: days.upperBound * 86_400)
    )
    let tls = try TLSServer(chain: [certificate], key: key)
    let scratch = ScratchDirectory()
    try authority.certificate.pem.write(
        toFile: scratch("ca.pem"),
        atomically: false,
        encoding: .utf8
    )
    let trust = try trust(scratch.path)
    let transport = try CurlTransport(userAgent: "wif-agent/test")
    return try await ScriptedServer.serving(
        secure: { socket in
            counter.increase()
            return try await tls.accept(over: socket)
        },
        answer: { _ in .send(reply) }
    ) { server in
        var request = HTTPRequest("GET", "https://127.0.0.1:\(server.port)/", trust: trust)
        request.connectTimeout = 30
        request.onlyShakesHands = onlyShakesHands
        let deadline = BootInstant.now.advanced(bySeconds: 30)
        var response = try await transport.send(request, deadline: deadline)
        for _ in 1..<max(times, 2) where times > 1 {
            response = try await transport.send(request, deadline: deadline)
        }
        return (response, server.connections)
    }
}

@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    @Test(arguments: PrivateKey.Kind.allCases)
    func `a server that a trusted authority signed for is believed`(
        kind: PrivateKey.Kind
    ) async throws {
        let (response, connections) = try await ask(kind: kind, times: 3)
        #expect(response.status == 200 && response.body.text == "hi")
        #expect(connections == 1)
    }

    @Test func `SSL_CERT_FILE stands for the system's authorities`() async throws {
        let (response, _) = try await ask { .system(file: $0 + "/ca.pem", directory: nil) }
        #expect(response.status == 200)
    }

    @Test func `a certificate of another host is refused`() async throws {
        let error = try await #require(throws: HTTPError.self) {
            try await ask(hosts: ["other.example"])
        }
        #expect(error.kind == .tls(.wrongHost), "\(error)")
        #expect(error.hint != nil)
    }

    @Test func `an authority that nobody here knows is refused, by directory and by bundle`()
        async throws
    {
        let error = try await #require(throws: HTTPError.self) {
            try await ask { _ in .system(file: nil, directory: nil) }
        }
        #expect(error.kind == .tls(.unknownAuthority), "\(error)")
        #expect(error.hint?.contains("SSL_CERT_FILE") == true)
    }

    @Test(arguments: [
        (-2.0 ... -1.0, HTTPError.TLSReason.expired), (1.0...2.0, .notYetValid),
    ])
    func `a certificate out of its time is refused`(
        days: ClosedRange<Double>,
        reason: HTTPError.TLSReason
    ) async throws {
        let error = try await #require(throws: HTTPError.self) { try await ask(days: days) }
        #expect(error.kind == .tls(reason), "\(error)")
    }

    @Test func `a look at refused certificates sends nothing and tells who signed them`()
        async throws
    {
        let counter = Counter()
        let (response, _) = try await ask(
            hosts: ["other.example"],
            days: -2.0 ... -1.0,
            counter: counter,
            onlyShakesHands: true
        ) { _ in .system(file: nil, directory: nil) }
        #expect(counter.value == 1)
        #expect(response.status == 0 && response.body.count == 0)
        let own = try #require(response.connection?.certificate)
        #expect(own.issuer.contains("test authority") && own.hosts.contains("other.example"))
        #expect(!own.expires.isEmpty && !own.starts.isEmpty)
    }

    @Test(arguments: ["absent.pem", "."])
    func `a CA file that cannot be read is named`(name: String) async throws {
        let error = try await #require(throws: HTTPError.self) {
            try await ask { .file("\($0)/\(name)") }
        }
        guard case .trustStore(let path) = error.kind else {
            Issue.record("\(error)")
            return
        }
        #expect(path.hasSuffix("/" + name) && error.description.contains(path))
    }

    @Test func `an issuer missing from the directory is looked for in the bundle, once`()
        async throws
    {
        let bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
        guard bundles.contains(where: { FileManager.default.isReadableFile(atPath: $0) }) else {
            return
        }
        let counter = Counter()
        let error = try await #require(throws: HTTPError.self) {
            try await ask(counter: counter) { directory in
                try "".write(
                    toFile: directory + "/0a1b2c3d.0",
                    atomically: false,
                    encoding: .utf8
                )
                return .system(file: nil, directory: directory)
            }
        }
        #expect(error.kind == .tls(.unknownAuthority))
        #expect(counter.value == 2)
    }

    @Test func `plain text where TLS is expected is a TLS failure`() async throws {
        let transport = try CurlTransport(userAgent: "wif-agent/test")
        try await ScriptedServer.serving(answer: { _ in .sendAndClose("hello\r\n\r\n") }) {
            server in
            let request = HTTPRequest("GET", "https://127.0.0.1:\(server.port)/")
            let error = try await #require(throws: HTTPError.self) {
                try await transport.send(request, deadline: .now.advanced(bySeconds: 2))
            }
            #expect(error.kind == .tls(.other) || error.phase?.isBeforeRequest == true, "\(error)")
        }
    }
}
