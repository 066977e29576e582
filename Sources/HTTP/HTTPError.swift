package import Kernel

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

    /// How far a transfer had come.
    package enum Phase: Sendable, Equatable {
        /// The host's name was looked up, or the proxy's.
        case resolve
        /// The connection was made.
        case connect
        /// The two peers agreed on keys.
        case tls
        /// The request was sent.
        case send
        /// The reply was awaited, or came.
        case receive

        /// Whether nothing of the request had been sent.
        package var isBeforeRequest: Bool {
            switch self {
            case .resolve, .connect, .tls: true
            case .send, .receive: false
            }
        }
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

    /// In which phase it happened; `nil` where nothing was tried.
    package let phase: Phase?
    /// Why the system made no connection; `nil` where it does not say.
    package let systemError: Errno?
    /// The status with which a proxy refused the way to the host.
    package let proxyStatus: Int?

    /// For transports and their fakes.
    package init(
        _ kind: Kind,
        url: String,
        detail: String,
        phase: Phase? = nil,
        systemError: Errno? = nil,
        proxyStatus: Int? = nil
    ) {
        self.kind = kind
        self.url = url
        self.phase = phase ?? kind.phase
        self.systemError = systemError
        self.proxyStatus = proxyStatus
        self.detail = String(
            String.UnicodeScalarView(
                detail.unicodeScalars.filter { $0.properties.generalCategory != .control }
            ).prefix(300)
        )
    }

    package var description: String { "\(url): \(outcome)" }

    /// The description without the URL.
    package var outcome: String { reason.isEmpty ? summary : "\(summary): \(reason)" }

    /// libcurl's words, or our own, and the system's.
    package var reason: String { detail + (systemError.map { " (\($0))" } ?? "") }

    private var summary: String {
        switch kind {
        case .unresolved: "host name not resolved"
        case .unreachable: "no connection"
        case .timedOut(let phase):
            phase.isBeforeRequest ? "timed out connecting" : "timed out waiting for the reply"
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

extension HTTPError.Kind {
    /// The phase in which such an error happens as a rule.
    fileprivate var phase: HTTPError.Phase? {
        switch self {
        case .unresolved: .resolve
        case .unreachable, .proxy: .connect
        case .tls: .tls
        case .timedOut(let phase): phase
        case .tooLarge, .malformed, .interrupted: .receive
        case .trustStore, .invalidRequest, .cancelled, .setup: nil
        }
    }
}
