package import FoundationEssentials
package import Platform

/// A whole reply, at most 1 MiB of body.
package struct HTTPResponse: Sendable {
    package let status: Int
    /// Names in lower case, in the order received.
    package let headers: [(name: String, value: String)]
    package let body: Secret

    package init(status: Int, headers: [(name: String, value: String)] = [], body: Secret) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first header of that name, in whatever case.
    package func header(_ name: String) -> String? {
        let name = name.lowercased()
        return headers.first { $0.name == name }?.value
    }

    /// The server's clock when it answered; `nil` where it does not tell. RFC 9110 section 6.6.1
    package var date: Date? {
        header("date").flatMap { httpDate($0) }
    }

    /// How many seconds the server wants to be left alone; never negative, `nil` where it does not say.
    /// A date is held against the server's own clock where it tells it, else against `now`.
    /// RFC 9110 section 10.2.3
    package func retryAfter(now: Date) -> Double? {
        guard let text = header("retry-after") else { return nil }
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return min(Double(text) ?? 0, 1e9)
        }
        return httpDate(text, now: now).map { max(0, $0.timeIntervalSince(date ?? now)) }
    }
}
