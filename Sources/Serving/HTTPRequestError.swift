/// Why a request could not be read; the connection is answered and closed.
package struct HTTPRequestError: Error, Equatable, Sendable {
    /// The status to answer with.
    package let status: Int
    /// One line for the body of the answer: nothing of the request is repeated in it.
    package let reason: String

    static func malformed(_ reason: String) -> HTTPRequestError {
        HTTPRequestError(status: 400, reason: reason)
    }

    static func unsupported(_ reason: String) -> HTTPRequestError {
        HTTPRequestError(status: 501, reason: reason)
    }

    static let bodyTooLarge = HTTPRequestError(status: 413, reason: "the body is too large")
    static let fieldsTooLarge = HTTPRequestError(
        status: 431,
        reason: "the request line and headers are too large"
    )
    static let version = HTTPRequestError(status: 505, reason: "HTTP/1.1 is spoken here")
    static let expectation = HTTPRequestError(status: 417, reason: "unknown expectation")
}

/// What a connection may cost.
package struct ServingLimits: Sendable {
    /// Bytes of the request line and headers together, the trailers of a chunked body among them.
    package var headBytes = 16 * 1024
    /// How many header fields.
    package var fieldCount = 100
    /// Bytes of a decoded body.
    package var bodyBytes = 1024 * 1024
    /// How long a whole request may take to arrive, the idle time before it included.
    package var readTimeout: Duration = .seconds(30)
    /// How long a peer may take to accept a response.
    package var writeTimeout: Duration = .seconds(30)
    /// Connections of one listener at a time; beyond that the one that has been idle the longest is
    /// closed, or the new one where all are being answered.
    package var connections = 256
    /// Bytes of answers, of all connections of one listener, that their peers have yet to read; beyond
    /// that those who have been there the longest are closed.
    package var unreadBytes = 8 * 1024 * 1024

    package init() {}
}
