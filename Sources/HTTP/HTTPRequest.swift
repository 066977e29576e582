package import Kernel

/// One header field of a request. Its value may be a token, so it is held as one.
package struct HTTPHeader: Sendable {
    package let name: String
    package let value: Secret

    /// What is no field name, or holds a line break, is refused when the request is sent.
    package init(_ name: String, value: Secret) {
        self.name = name
        self.value = value
    }

    /// For values that are no secret.
    package init(_ name: String, _ value: String) {
        self.init(name, value: Secret(value))
    }
}

/// What is asked of whom, and by which way.
package struct HTTPRequest: Sendable {
    /// Whether a proxy may come between. The process's environment is never consulted.
    package enum Route: Sendable, Equatable {
        /// To the host itself, whatever any variable says.
        case direct
        /// As the settings say.
        case proxied(ProxySettings)
    }

    /// Whose signatures count as proof of who the host is.
    package enum Trust: Sendable, Equatable {
        /// The system's authorities. `file` and `directory` are the values of `SSL_CERT_FILE` and
        /// `SSL_CERT_DIR`; the file excludes everything else.
        case system(file: String?, directory: String?)
        /// The authorities in this PEM file and no others.
        case file(String)
    }

    /// Such as `GET`; upper case.
    package var method: String
    /// Absolute, `http` or `https`, percent-encoded, without user info.
    package var url: String
    /// In this order; libcurl adds `Host`, `User-Agent`, `Accept` and `Content-Length`.
    package var headers: [HTTPHeader]
    /// Its type is a header's matter.
    package var body: Secret?
    package var route: Route
    /// The socket to connect to in place of the URL's host.
    package var unixSocket: String?
    /// Whether HTTP/2 is spoken from the first byte on, as gRPC does without TLS. RFC 9113 section 3.3
    package var speaksHTTP2 = false
    package var trust: Trust
    /// Seconds for name, connection and TLS handshake together.
    package var connectTimeout: Double
    /// Whether the reply is to tell of the connection that it came over.
    package var wantsConnectionFacts = false
    /// Whether there is a TLS handshake and nothing else, with whoever is there: no certificate is checked
    /// and no byte of a request is sent. The reply has status 0 and the connection's facts. For a look at
    /// certificates that were refused.
    package var onlyShakesHands = false

    /// A request without a proxy, with the system's authorities and 5 s to connect, unless said otherwise.
    package init(
        _ method: String,
        _ url: String,
        headers: [HTTPHeader] = [],
        body: Secret? = nil,
        route: Route = .direct,
        unixSocket: String? = nil,
        trust: Trust = .system(file: nil, directory: nil),
        connectTimeout: Double = 5
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.route = route
        self.unixSocket = unixSocket
        self.trust = trust
        self.connectTimeout = connectTimeout
    }
}

/// Which proxy, and for whom not.
package struct ProxySettings: Sendable, Equatable {
    /// Such as `http://user:password@proxy.example:3128`; none where nil or empty.
    package var url: String?
    /// Comma-separated host names, domains and networks to reach directly, as in `NO_PROXY`.
    package var noProxy: String?

    package init(url: String?, noProxy: String? = nil) {
        self.url = url
        self.noProxy = noProxy
    }
}

extension ProxySettings {
    /// The proxy for https that an environment names, and the variable that does: the one for https before
    /// the one for everything, with the exceptions. `curl(1)`
    ///
    /// - Parameter variable: a variable's value, where it is set and not blank.
    package static func general(
        _ variable: (String) -> String?
    ) -> (settings: ProxySettings, variable: String)? {
        let exceptions = variable("NO_PROXY") ?? variable("no_proxy")
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            guard let url = variable(name) else { continue }
            return (ProxySettings(url: url, noProxy: exceptions), name)
        }
        return nil
    }
}

/// Sends a request and waits for the reply: all that the rest of the program knows of the network.
package protocol HTTPTransport: Sendable {
    /// The reply, whatever its status; a redirect is a reply. At `deadline`, or when the task is
    /// cancelled, the transfer is given up at once.
    ///
    /// - Throws: ``HTTPError``
    func send(
        _ request: HTTPRequest,
        deadline: BootInstant
    ) async throws(HTTPError) -> HTTPResponse

    /// What this machine's resolver says of a name. It may block for as long as the resolver waits for its
    /// servers.
    func lookUp(_ name: String) async -> NameLookup

    /// Whether this machine or container has no address but those of the loopback; false where that is not
    /// known.
    var lacksNetwork: Bool { get }
}

extension HTTPTransport {
    /// Of a network that is played nothing is known.
    package func lookUp(_ name: String) async -> NameLookup { .failed }

    /// The same.
    package var lacksNetwork: Bool { false }
}
