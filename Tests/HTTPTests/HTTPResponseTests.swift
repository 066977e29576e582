import FoundationEssentials
import HTTP
import Kernel
import Testing

private func response(_ headers: [(name: String, value: String)]) -> HTTPResponse {
    HTTPResponse(status: 200, headers: headers, body: Secret(""))
}

/// 1994-11-06T08:49:37Z, the date of RFC 9110's examples.
private let example = 784_111_777.0

@Suite struct HTTPResponseTests {
    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", example),
        ("Sunday, 06-Nov-94 08:49:37 GMT", example),
        ("Sun Nov  6 08:49:37 1994", example),
        ("Sat Nov 16 08:49:37 1994", example + 864_000),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200),
        ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
        ("Tue, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
    ])
    func `dates are read in all three forms`(text: String, seconds: Double) {
        #expect(response([("date", text)]).date?.secondsSinceEpoch == seconds)
    }

    @Test(arguments: [
        "", "now", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 -8:49:37 GMT",
    ])
    func `anything else is no date`(text: String) {
        #expect(response([("date", text)]).date == nil)
    }

    @Test(arguments: [
        ("120", 120.0), ("0", 0), ("99999999999999999999", 1e9),
        ("Sun, 06 Nov 1994 08:51:37 GMT", 120), ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
    ])
    func `a wait is seconds or a date, and never negative`(text: String, expected: Double) {
        let now = WallTime(secondsSinceEpoch: example)
        #expect(response([("retry-after", text)]).retryAfter(now: now) == expected)
    }

    @Test(arguments: ["", "-5", "soon", "1.5"])
    func `any other wait is none`(text: String) {
        #expect(response([("retry-after", text)]).retryAfter(now: .now) == nil)
        #expect(response([]).retryAfter(now: .now) == nil)
    }

    /// Found by a service whose date made a result that the agent could not read: it ended the worker.
    @Test func `a date thousands of years off is none`() {
        #expect(response([("date", "Fri, 31 Dec 9999 23:59:59 GMT")]).date == nil)
    }

    @Test func `a wait until a date is held against the server's own clock`() {
        let headers = [
            (name: "date", value: "Sun, 06 Nov 1994 08:49:37 GMT"),
            (name: "retry-after", value: "Sun, 06 Nov 1994 08:49:47 GMT"),
        ]
        #expect(response(headers).retryAfter(now: .now) == 10)
    }

    @Test func `headers are found in any case, the first of several`() {
        let headers = [(name: "x-a", value: "1"), (name: "x-a", value: "2")]
        #expect(response(headers).header("X-A") == "1")
        #expect(response(headers).header("x-b") == nil)
    }

    @Test func `errors keep foreign text short and on one line`() {
        let text = "a\u{1b}[31m\r\n" + String(repeating: "x", count: 400)
        let error = HTTPError(.interrupted, url: "https://a/", detail: text)
        #expect(error.detail.hasPrefix("a[31mxx") && error.detail.count == 300)
    }
}
