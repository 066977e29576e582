import Text

/// A URL that requests may be sent to: https, or plain http where product rules allow it.
package struct Endpoint: Equatable, Sendable, CustomStringConvertible {
    /// Which plain-http hosts are allowed beside https.
    package enum PlainHTTP: Sendable {
        /// 127.0.0.0/8, ::1 and `localhost`.
        case loopback
        /// The loopback hosts and the metadata addresses 169.254.169.254, 169.254.170.2,
        /// 169.254.170.23, fd00:ec2::254 and fd00:ec2::23.
        case metadata
        /// The loopback hosts and 169.254.0.0/16, in which App Service has its endpoint.
        case linkLocal
        /// The metadata hosts and `metadata.google.internal`.
        case googleMetadata
        /// Every host: for a proxy, which carries TLS through.
        case any
    }

    /// The URL without a trailing slash.
    package let url: String
    /// Lower-case; IPv6 without brackets.
    package let host: String
    package let port: Int?
    package let isSecure: Bool

    /// Checks a URL; one without a scheme is taken as https.
    /// - Throws: ``EndpointError`` that says what is wrong with it, without quoting user info.
    package init(_ text: String, plainHTTP: PlainHTTP = .loopback) throws(EndpointError) {
        let whole = text.contains("://") ? text : "https://" + text
        guard whole.utf8.isVisibleASCII, let parts = URLParts(whole) else {
            throw EndpointError(reason: "is not a URL")
        }
        let scheme = parts.scheme.lowercased()
        guard parts.userInfo == nil else {
            throw EndpointError(reason: "holds a user name or password", isOfUserInfo: true)
        }
        guard parts.fragment == nil else { throw EndpointError(reason: "has a fragment (#)") }
        port = try Self.port(parts.port)
        host = parts.host.lowercased()
        isSecure = scheme == "https"
        url = whole.hasSuffix("/") ? String(whole.dropLast()) : whole
        guard isSecure || scheme == "http" else {
            throw EndpointError(reason: "has the scheme \(scheme.printable), not https")
        }
        guard isSecure || plainHTTP.allows(self.host) else {
            throw EndpointError(reason: "is plain http to a host that needs https")
        }
    }

    /// Scheme, host, port and path, for messages.
    package var description: String {
        String(url.prefix { $0 != "?" })
    }

    /// Scheme, host and port, the port left out where it is the scheme's own.
    package var origin: String {
        let name = host.contains(":") ? "[\(host)]" : host
        let isStandard = port == nil || port == (isSecure ? 443 : 80)
        return (isSecure ? "https://" : "http://") + name
            + (isStandard ? "" : port.map { ":\($0)" } ?? "")
    }

    /// Whether both have the same scheme, host and port. RFC 6454 section 5
    package func isSameOrigin(as other: Endpoint) -> Bool { origin == other.origin }

    /// The port that is written, if any: a number that a port can have.
    private static func port(_ text: String?) throws(EndpointError) -> Int? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.count <= 5, text.utf8.allSatisfy(\.isDigit), let port = Int(text),
            (1...65_535).contains(port)
        else { throw EndpointError(reason: "has a port that is not one") }
        return port
    }

    /// Whether a host name or address is this machine's own.
    package static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127"
            && octets.allSatisfy { octet in UInt8(octet) != nil && octet.allSatisfy(\.isNumber) }
    }
}

extension Endpoint.PlainHTTP {
    fileprivate func allows(_ host: String) -> Bool {
        if Endpoint.isLoopback(host) { return true }
        let addresses = [
            "169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23",
        ]
        switch self {
        case .loopback: return false
        case .any: return true
        case .metadata: return addresses.contains(host)
        case .linkLocal:
            let octets = host.split(separator: ".", omittingEmptySubsequences: false)
            return octets.count == 4 && octets[0] == "169" && octets[1] == "254"
                && octets.allSatisfy { UInt8($0) != nil && $0.allSatisfy(\.isNumber) }
        case .googleMetadata:
            return addresses.contains(host)
                || ["metadata.google.internal", "metadata.google.internal."].contains(host)
        }
    }
}

/// Why a URL is not accepted; reads after the URL's name ("universeDomain is not a URL").
package struct EndpointError: Error, Equatable, Sendable {
    package let reason: String
    /// Whether it is the user name or password in the URL.
    var isOfUserInfo = false
}
