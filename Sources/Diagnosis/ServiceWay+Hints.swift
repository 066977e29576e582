import Federation
import HTTP
import Text

/// What to do where the way to a service ends.
extension ServiceWay {
    func tlsHint(_ error: HTTPError) -> String? {
        if error.kind == .tls(.unknownAuthority) { return authorityHint }
        if error.kind == .tls(.wrongHost) {
            return
                "correct \(key), which names \(endpoint.host), if another host is meant: whoever answers there has a"
                + " certificate for other names, and openssl s_client -connect \(place) </dev/null | openssl x509 -noout -ext"
                + " subjectAltName shows them"
        }
        if let hint = error.hint { return hint }
        if ["wrong version number", "http request", "packet length"].contains(
            where: error.detail.contains
        ) {
            let isOther = endpoint.port.map { $0 != 443 } ?? false
            return "\(place) does not speak TLS: "
                + (isOther
                    ? "correct the port in \(key); the port of https is 443"
                    : "a proxy or another program answers in the service's place")
        }
        if ["protocol version", "unsupported protocol"].contains(where: error.detail.contains) {
            return
                "\(place) speaks only a TLS that is older than 1.2, which is not secure and not used here: have"
                + " whoever runs it enable TLS 1.2 or 1.3"
        }
        if error.detail.contains("handshake failure")
            || error.detail.contains("certificate required")
        {
            return
                "\(place) wants a certificate of the client, or another version of TLS than 1.2 and 1.3, which the service does"
                + " not: correct \(key), or have \(endpoint.host) let through where a gateway of this network answers"
        }
        return
            "\(place) does not speak TLS as the service does: openssl s_client -connect \(place) shows what answers there."
            + " Correct the port in \(key), or have a proxy or gateway on the way let this machine through"
    }

    /// Whose certificates were held against the service's, and how to add another.
    private var authorityHint: String {
        let see =
            "openssl s_client -connect \(place) -showcerts </dev/null shows who signed it; a proxy that"
            + " inspects TLS has an authority of its own"
        if let file = account.caFile {
            return
                "add the authority's certificate to \(file.printable), which caFile names, or leave caFile"
                + " out for a public service; \(see)"
        }
        for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
            guard let place = context.variable(variable) else { continue }
            let how = variable == "SSL_CERT_DIR" ? " and run openssl rehash on it" : ""
            return
                "\(variable) is \(place.printable), and nothing else is trusted: add the authority's"
                + " certificate there\(how), or unset \(variable); \(see)"
        }
        return
            "add the authority to the system's CA certificates (update-ca-certificates), or name its file in"
            + " caFile or SSL_CERT_FILE; \(see)"
    }

    func httpHint(_ error: HTTPError) -> String {
        if case .timedOut = error.kind {
            return
                "\(place) takes the connection and does not answer: the service there hangs, and whoever runs it must look at"
                + " it (curl -v \(endpoint.origin) shows the same); or \(key) names another program's place: correct it"
        }
        if error.kind == .malformed, !endpoint.isSecure {
            return
                "\(place) does not speak HTTP: correct the port in \(key), or write https:// where it speaks TLS"
        }
        return
            "another program than the service listens at \(place), or it ends its connections: curl -v \(endpoint.origin) shows"
            + " which. Correct \(key), or have whoever runs the service look at it"
    }

    var nameHint: String {
        let known = account.service.kind.facts.places.map { " (\($0))" } ?? ""
        return
            "correct \(endpoint.host) in \(key), if a letter is wrong\(known); getent hosts \(endpoint.host) shows whether this"
            + " machine's name servers know it"
    }

    /// For a name that the resolver has answered for: that there is none such.
    var unknownNameHint: String {
        let facts = account.service.kind.facts
        let host = endpoint.host
        if let oddity = account.service.addressOddity { return oddity }
        if ServiceName.hasHost(host) {
            return
                "\(host) is right, and this machine's name servers do not know it: they answer for names of their"
                + " own network alone. Name one in \(NameFiles.resolverPath) that knows the internet's names; or,"
                + " where only a proxy gets out, set HTTPS_PROXY, for the proxy finds the name by itself"
        }
        let places = facts.places.map { " (\($0))" } ?? ""
        return
            "there is no host \(host) by what this machine's name servers say: correct it in \(key), if a letter is"
            + " wrong\(places); if it is a name of a company's own network, \(NameFiles.resolverPath) must name that"
            + " network's servers, or the VPN must be up"
    }

    /// Whether the host is of a domain of the services' own, whose certificates every system trusts.
    var isPublic: Bool { ServiceName.ownsDomain(of: endpoint.host) }
}
