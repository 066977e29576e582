import Federation
import Testing

@Suite struct `An endpoint` {
    struct Good: Sendable {
        var text: String
        var plainHTTP = Endpoint.PlainHTTP.loopback
        var url: String
        var host: String
        var port: Int?
        var isSecure = true
    }

    static let good: [Good] = [
        Good(text: "https://a.b", url: "https://a.b", host: "a.b"),
        Good(text: "https://A.b/c/", url: "https://A.b/c", host: "a.b"),
        Good(text: "a.b", url: "https://a.b", host: "a.b"),
        Good(
            text: "HTTPS://a.b:8443/x?y=z",
            url: "HTTPS://a.b:8443/x?y=z",
            host: "a.b",
            port: 8443
        ),
        Good(
            text: "http://127.0.0.1:80",
            url: "http://127.0.0.1:80",
            host: "127.0.0.1",
            port: 80,
            isSecure: false
        ),
        Good(
            text: "http://127.255.0.9",
            url: "http://127.255.0.9",
            host: "127.255.0.9",
            isSecure: false
        ),
        Good(text: "http://[::1]/a", url: "http://[::1]/a", host: "::1", isSecure: false),
        Good(text: "http://LOCALHOST", url: "http://LOCALHOST", host: "localhost", isSecure: false),
        Good(
            text: "http://169.254.169.254",
            plainHTTP: .metadata,
            url: "http://169.254.169.254",
            host: "169.254.169.254",
            isSecure: false
        ),
        Good(
            text: "http://[fd00:ec2::254]",
            plainHTTP: .metadata,
            url: "http://[fd00:ec2::254]",
            host: "fd00:ec2::254",
            isSecure: false
        ),
        Good(
            text: "http://metadata.google.internal",
            plainHTTP: .googleMetadata,
            url: "http://metadata.google.internal",
            host: "metadata.google.internal",
            isSecure: false
        ),
        Good(
            text: "http://proxy:3128",
            plainHTTP: .any,
            url: "http://proxy:3128",
            host: "proxy",
            port: 3128,
            isSecure: false
        ),
    ]

    @Test(arguments: good)
    func `a URL by the rules is taken`(row: Good) throws {
        let endpoint = try Endpoint(row.text, plainHTTP: row.plainHTTP)
        #expect(endpoint.url == row.url)
        #expect(endpoint.host == row.host)
        #expect(endpoint.port == row.port)
        #expect(endpoint.isSecure == row.isSecure)
    }

    static let bad: [(String, Endpoint.PlainHTTP, String)] = [
        ("", .any, "is not a URL"),
        ("https://", .any, "is not a URL"),
        ("https:///path", .any, "is not a URL"),
        ("https://a b", .any, "is not a URL"),
        ("https://a\r\nHost:b", .any, "is not a URL"),
        ("https://é.example", .any, "is not a URL"),
        ("https://a:70000000000000000000", .any, "has a port that is not one"),
        ("https://a:65536/x:y", .any, "has a port that is not one"),
        ("https://[::1]:0", .any, "has a port that is not one"),
        ("https://user@a.b", .any, "holds a user name or password"),
        ("https://u:p@a.b", .any, "holds a user name or password"),
        ("https://a.b/#x", .any, "has a fragment (#)"),
        ("ftp://a.b", .any, "has the scheme ftp, not https"),
        ("file:///etc/passwd", .any, "is not a URL"),
        ("http://a.b", .loopback, "is plain http to a host that needs https"),
        ("http://127.0.0.1.evil.com", .loopback, "is plain http to a host that needs https"),
        ("http://127.1", .loopback, "is plain http to a host that needs https"),
        ("http://localhost.evil.com", .loopback, "is plain http to a host that needs https"),
        ("http://127.0.0.+1", .loopback, "is plain http to a host that needs https"),
        ("http://169.254.169.254", .loopback, "is plain http to a host that needs https"),
        ("http://169.254.169.253", .metadata, "is plain http to a host that needs https"),
        ("http://metadata.google.internal", .metadata, "is plain http to a host that needs https"),
    ]

    @Test(arguments: bad)
    func `any other is refused, with the rule`(
        text: String,
        plainHTTP: Endpoint.PlainHTTP,
        reason: String
    ) {
        let error = #expect(throws: EndpointError.self) {
            try Endpoint(text, plainHTTP: plainHTTP)
        }
        #expect(error?.reason == reason)
    }

    @Test func `messages show no query`() throws {
        #expect("\(try Endpoint("https://a.b/c?token=x"))" == "https://a.b/c")
    }
}
