package import Kernel
import Text

/// What a handler answers.
package struct HTTPServerResponse: Sendable {
    package var status: Int
    /// In order. `Content-Length`, `Connection` and `Date` are added where they are missing.
    package var headers: [HTTPField]
    package var body: [UInt8]
    /// Whether the connection ends after this response.
    package var closes = false
    /// Whether a `Date` is added.
    package var isDated = true
    /// Writes the answer itself instead, whole or broken; the connection ends with it.
    package var takeOver: (@Sendable (any ByteStream) async throws -> Void)?

    package init(status: Int, headers: [HTTPField] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A response of UTF-8 text.
    package init(status: Int, text: String, type: String = "text/plain; charset=utf-8") {
        self.init(
            status: status,
            headers: [HTTPField("Content-Type", type)],
            body: Array(text.utf8)
        )
    }

    /// The status line and headers as they are sent, the empty line included.
    package func head(keepsAlive: Bool = false) -> [UInt8] {
        var lines = "HTTP/1.1 \(status) \(reasonPhrase(status))\r\n"
        for field in completed(keepsAlive: keepsAlive) {
            lines += "\(field.name): \(oneLine(field.value))\r\n"
        }
        return Array((lines + "\r\n").utf8)
    }

    /// Whether the status allows a body. RFC 9110 6.4.1
    package var allowsBody: Bool {
        status >= 200 && status != 204 && status != 304
    }

    private func completed(keepsAlive: Bool) -> [HTTPField] {
        var fields = headers
        func has(_ name: String) -> Bool { fields.contains { $0.name.lowercased() == name } }
        if isDated, !has("date") { fields.append(HTTPField("Date", httpDate(of: .now))) }
        if allowsBody, !has("content-length"), !has("transfer-encoding") {
            fields.append(HTTPField("Content-Length", String(body.count)))
        }
        if !keepsAlive, !has("connection") { fields.append(HTTPField("Connection", "close")) }
        return fields
    }
}

/// Without what would end a header line early.
private func oneLine(_ value: String) -> String {
    String(String.UnicodeScalarView(value.unicodeScalars.filter { $0.value >= 0x20 }))
}

/// The usual phrase for a status; empty for an unusual one.
func reasonPhrase(_ status: Int) -> String {
    reasonPhrases[status] ?? ""
}

private let reasonPhrases = [
    100: "Continue", 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content",
    301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
    307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    408: "Request Timeout", 409: "Conflict", 410: "Gone", 411: "Length Required",
    412: "Precondition Failed", 413: "Content Too Large", 415: "Unsupported Media Type",
    417: "Expectation Failed", 421: "Misdirected Request", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
]
