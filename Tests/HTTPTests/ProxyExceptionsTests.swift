import HTTP
import Testing

@Suite struct `A proxy's exceptions` {
    struct Row: Sendable, CustomTestStringConvertible {
        let list: String?
        let host: String
        let isExcepted: Bool

        var testDescription: String { "\(list ?? "none") for \(host)" }

        init(_ list: String?, _ host: String, _ isExcepted: Bool) {
            (self.list, self.host, self.isExcepted) = (list, host, isExcepted)
        }
    }

    // CURLOPT_NOPROXY(3)
    static let rows = [
        Row(nil, "a.example", false), Row("", "a.example", false), Row("*", "a.example", true),
        Row("a.example", "a.example", true), Row("A.Example.", "a.example", true),
        Row("example", "a.example", true), Row(".example", "a.example", true),
        Row("ample", "a.example", false), Row("a.example", "example", false),
        Row("x,  a.example", "a.example", true), Row("x a.example", "a.example", true),
        Row("*.example", "a.example", false), Row("10.0.0.1", "10.0.0.1", true),
        Row("0.0.1", "10.0.0.1", false), Row("10.0.0.0/8", "10.9.8.7", true),
        Row("10.0.0.0/8", "11.0.0.1", false), Row("10.0.0.0/33", "10.0.0.1", false),
        Row("10.0.0.0/0", "10.0.0.1", false), Row("::1", "[::1]", true), Row("::1", "::2", false),
    ]

    @Test(arguments: rows)
    func `lead straight to the hosts that they name`(row: Row) {
        let settings = ProxySettings(url: "http://proxy.example:3128", noProxy: row.list)
        #expect(settings.excepts(row.host) == row.isExcepted)
    }

    @Test func `the entry that leads straight to a host is told as it is written`() {
        let settings = ProxySettings(url: "http://p", noProxy: "localhost,.Example.com, b")
        #expect(settings.exception(for: "a.example.com") == ".Example.com")
        #expect(settings.exception(for: "c") == nil)
    }
}
