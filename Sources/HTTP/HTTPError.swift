/// Why there is no reply. It names the URL without its query and user info, which may be secrets.
package struct HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What failed.
    package enum Kind: Sendable, Equatable {
        /// The host's name has no address.
        case unresolved
        /// Refused, no route, network down.
        case unreachable
        /// The time allowed ran out, in that phase.
        case timedOut(Phase)
        /// No agreement with the peer, or no proof of who it is.
        case tls(TLSReason)
        /// The CA file or directory cannot be read; its path.
        case trustStore(path: String)
        /// The proxy cannot be found or reached, or refuses.
        case proxy
        /// More than 1 MiB of body, or 256 KiB of headers.
        case tooLarge
        /// The reply is no HTTP.
        case malformed
        /// The connection broke off after it was made.
        case interrupted
        /// The request cannot be sent as it is: URL, method or header.
        case invalidRequest
        /// The task was cancelled.
        case cancelled
        /// libcurl does not start.
        case setup
    }

    /// Where the time went.
    package enum Phase: Sendable, Equatable {
        /// Name, connection or TLS handshake.
        case connect
        /// The request or its reply.
        case whole
    }

    /// What is wrong between the two TLS peers.
    package enum TLSReason: Sendable, Equatable {
        /// No authority that is trusted here has signed the peer's certificate.
        case unknownAuthority
        /// The certificate is another host's.
        case wrongHost
        /// The certificate's last day is past.
        case expired
        /// The certificate's first day is to come.
        case notYetValid
        /// Any other reason; the text tells it.
        case other
    }

    package let kind: Kind
    /// `scheme://host[:port]/path`
    package let url: String
    /// libcurl's words, or our own; at most 300 characters, no control characters.
    package let detail: String

    /// For transports and their fakes.
    package init(_ kind: Kind, url: String, detail: String) {
        self.kind = kind
        self.url = url
        self.detail = String(
            String.UnicodeScalarView(
                detail.unicodeScalars.filter { $0.properties.generalCategory != .control }
            ).prefix(300)
        )
    }

    package var description: String {
        "\(url): \(summary)\(detail.isEmpty ? "" : ": \(detail)")"
    }

    private var summary: String {
        switch kind {
        case .unresolved: "host name not resolved"
        case .unreachable: "no connection"
        case .timedOut(.connect): "timed out connecting"
        case .timedOut(.whole): "timed out waiting for the reply"
        case .tls: "TLS failed"
        case .trustStore(let path): "CA certificates in \(path) cannot be read"
        case .proxy: "proxy failed"
        case .tooLarge: "reply is too large"
        case .malformed: "reply is not HTTP"
        case .interrupted: "connection broke off"
        case .invalidRequest: "request is invalid"
        case .cancelled: "cancelled"
        case .setup: "libcurl failed"
        }
    }

    /// What the reader can do about it; `nil` where that is plain from the error.
    package var hint: String? {
        switch kind {
        case .tls(.unknownAuthority):
            "add the authority to the system's CA certificates, or name its file in caFile or "
                + "SSL_CERT_FILE (a proxy that inspects TLS has an authority of its own)"
        case .tls(.wrongHost):
            "check the host name in the URL; the server's certificate is another's"
        case .tls(.expired):
            "the server's certificate has expired, or this machine's clock is ahead"
        case .tls(.notYetValid): "this machine's clock may be behind"
        case .trustStore:
            "caFile and SSL_CERT_FILE name a readable PEM file of certificates; a directory of them goes"
                + " into SSL_CERT_DIR"
        case .proxy: "check the proxy's URL, and NO_PROXY for hosts that need none"
        case .unresolved, .unreachable, .timedOut, .tls, .tooLarge, .malformed, .interrupted,
            .invalidRequest, .cancelled, .setup:
            nil
        }
    }
}
