package import Kernel
import Text

/// What a reply came over.
package struct ConnectionFacts: Sendable, Equatable {
    /// The peer's, which is the proxy's where there is one.
    package let address: String
    package let port: Int
    /// Of the host's own certificate: whom it names, who signed it, its last day. `nil` without TLS.
    package var certificate: CertificateFacts? { chain.first }
    /// All that the peer sent, its own the first; not those of the store.
    package let chain: [CertificateFacts]

    package init(address: String, port: Int, chain: [CertificateFacts]) {
        self.address = address
        self.port = port
        self.chain = chain
    }
}

/// A certificate's names and days in libcurl's words.
package struct CertificateFacts: Sendable, Equatable {
    package let subject: String
    package let issuer: String
    package let starts: String
    package let expires: String
    /// `DNS:a.example, DNS:b.example`; empty where there are none.
    package let hosts: String

    package init(
        subject: String,
        issuer: String,
        starts: String = "",
        expires: String = "",
        hosts: String = ""
    ) {
        self.subject = subject
        self.issuer = issuer
        self.starts = starts
        self.expires = expires
        self.hosts = hosts
    }
}

/// A whole reply, at most 1 MiB of body.
package struct HTTPResponse: Sendable {
    package let status: Int
    /// Names in lower case, in the order received.
    package let headers: [(name: String, value: String)]
    package let body: Secret
    /// What followed the body. RFC 9110 section 6.5
    package var trailers: [(name: String, value: String)] = []
    /// What it came over, where the request wanted to know.
    package var connection: ConnectionFacts?

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
    package var date: WallTime? {
        // What lies thousands of years off is no date that anybody could go by.
        header("date").flatMap { httpDate($0) }
            .flatMap { abs($0.secondsSinceEpoch) <= 1e11 ? $0 : nil }
    }

    /// Where a redirect leads, without a query, which may hold a secret; `nil` where it is none.
    package var redirectTarget: String? {
        header("location").map { String($0.prefix { $0 != "?" }) }
    }

    /// How many seconds the server wants to be left alone; never negative, `nil` where it does not say.
    /// A date is held against the server's own clock where it tells it, else against `now`.
    /// RFC 9110 section 10.2.3
    package func retryAfter(now: WallTime) -> Double? {
        guard let text = header("retry-after") else { return nil }
        if text.utf8.isNumber {
            return min(Double(text) ?? 0, 1e9)
        }
        return httpDate(text, now: now).map { max(0, $0.seconds(since: date ?? now)) }
    }
}

extension HTTPResponse {
    /// A body for a message.
    package enum Excerpt: Equatable, Sendable {
        case empty
        /// It may hold a token or key.
        case hidden
        /// Cut and cleaned.
        case text(String)
    }

    /// The body for a message: left out where it may hold a token or key, as that of every success may,
    /// whatever it looks like.
    package var excerpt: Excerpt {
        guard body.count > 0 else { return .empty }
        let text = String(decoding: body.bytes.prefix(2048), as: UTF8.self).trimmed
        if text.isEmpty { return .empty }
        let marks = ["eyJ", "base64_credential", "access_token", "accessToken", "id_token"]
        let isSuccess = (200..<300).contains(status)
        return isSuccess || marks.contains(where: text.contains) ? .hidden : .text(text.printable)
    }
}
