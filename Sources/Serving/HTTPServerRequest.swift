/// A request that has arrived whole.
package struct HTTPServerRequest: Equatable, Sendable {
    package var method: String
    /// The target as it was sent.
    package var target: String
    /// The target's path, percent-decoded.
    package var path: String
    /// The target's query, decoded as forms are (`+` is a space), in order.
    package var query: [HTTPField]
    /// In order; the names in lower case.
    package var headers: [HTTPField]
    /// Without the framing of a chunked body.
    package var body: [UInt8]
    /// The x of HTTP/1.x.
    package var minorVersion: Int

    /// A request as a parser or a test makes it.
    package init(
        method: String,
        target: String,
        path: String,
        query: [HTTPField] = [],
        headers: [HTTPField] = [],
        body: [UInt8] = [],
        minorVersion: Int = 1
    ) {
        (self.method, self.minorVersion) = (method, minorVersion)
        (self.target, self.path, self.query) = (target, path, query)
        (self.headers, self.body) = (headers, body)
    }

    /// The value of the first header of that (lower-case) name.
    package func header(_ name: String) -> String? {
        headers[name]
    }

    /// Whether the peer wants the connection kept. RFC 9112 9.3
    var keepsAlive: Bool {
        let options = headers.members(of: "connection")
        if options.contains("close") { return false }
        return minorVersion >= 1 || options.contains("keep-alive")
    }
}
