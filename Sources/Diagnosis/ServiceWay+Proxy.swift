import Federation
import HTTP
import Kernel
import Text

/// What to do where the way to a service ends at its proxy.
extension ServiceWay {
    /// For a proxy that does not take the connection.
    func proxyConnectionHint(_ error: HTTPError) -> String {
        let origin = proxy?.origin ?? "its URL"
        let host = proxy?.settings.host ?? "the proxy"
        let port = proxy?.settings.port ?? 0
        let usual = "3128 and 8080 are usual, whoever runs the proxy knows it"
        if error.kind == .unreachable, error.systemError == .connectionRefused {
            guard proxy?.settings.hasPort == true else {
                return
                    "no port stands in \(origin), so that \(port) is taken, where nothing listens: write the"
                    + " proxy's port behind its name, http://\(host):PORT (\(usual)); \(proxyWithout)"
            }
            if ["127.0.0.1", "localhost", "[::1]"].contains(host) {
                return
                    "nothing listens at \(host):\(port) on this machine: if \(origin) is left over from a tunnel (ssh -D) or"
                    + " a test, \(account.proxy == nil ? "unset" : "remove") it, so that \(endpoint.host) is asked"
                    + " directly; else start that proxy again"
            }
            return
                "\(host) is there, and nothing listens at its port \(port): correct the port in \(origin)"
                + " (\(usual)), or have the proxy started; \(proxyWithout)"
        }
        if case .timedOut = error.kind, error.phase == .tls || error.detail.contains("CONNECT") {
            return
                "\(host):\(port) takes the connection and does not answer CONNECT: another program than the proxy"
                + " listens there, or the proxy hangs. Correct the port in \(origin) (\(usual)), or have whoever runs the"
                + " proxy look at it; \(proxyWithout)"
        }
        if case .timedOut = error.kind {
            return
                "nobody answers at \(host):\(port): \(origin) names another machine than the proxy, or a"
                + " firewall drops the way to it: correct the address, or have the firewall let it through;"
                + " \(proxyWithout)"
        }
        return
            "this machine does not get to \(host):\(port) (ip route get tells): correct the address in"
            + " \(origin), or bring the network up; \(proxyWithout)"
    }

    /// How to do without the proxy, where one is named that is not to be used: only the general variables
    /// have exceptions.
    var proxyWithout: String {
        if let ignored = proxy?.settings.noProxy.flatMap(Self.ignoredException) {
            return
                "NO_PROXY has \(ignored.printable), which matches nothing: write names and their"
                + " ends without * and ports, such as .example.com"
        }
        let origin = proxy?.origin ?? ""
        if account.proxy != nil {
            return "if \(endpoint.host) needs no proxy, remove proxy from the account file"
        }
        if origin == account.service.kind.facts.proxyVariable {
            return "if \(endpoint.host) needs no proxy, unset \(origin)"
        }
        return "if \(endpoint.host) needs no proxy, name it in NO_PROXY, or unset \(origin)"
    }

    /// What to do about a proxy that is not found, or does not let the request through.
    func proxyHint(_ error: HTTPError) -> String {
        switch error.proxyStatus {
        case 403?, 401?:
            return "the proxy forbids \(endpoint.host): have \(place) allowed there"
        case 502?, 503?, 504?:
            return
                "the proxy answers, and does not get to \(place) itself (its status \(error.proxyStatus ?? 0)):"
                + " have whoever runs it see its log, its way out and its name server"
        case let status? where status >= 500:
            return "the proxy cannot reach \(place): see its log, and whether its own way out works"
        case let status?:
            return
                "the proxy answers \(status) to CONNECT \(place), as one does that is not for https, or a web server: correct its"
                + " address and port"
        case nil: break
        }
        let origin = proxy?.origin ?? "its place"
        if error.reason.contains("resolve") {
            return
                "the proxy's name, \(proxy?.settings.host ?? ""), has no address here: correct it in \(origin);"
                + " if it is right, this machine's name servers (\(NameFiles.resolverPath)) must know it"
        }
        return "correct the proxy's URL in \(origin): http://HOST:PORT"
    }
}

extension ProxySettings {
    /// The host's name or address.
    var host: String {
        let place = shown.withoutScheme
        guard hasPort, let colon = place.lastIndex(of: ":") else { return place }
        return String(place[..<colon])
    }

    /// The port in the URL, else libcurl's own. `CURLOPT_PROXY(3)`
    var port: Int { writtenPort ?? (shown.hasPrefix("https:") ? 443 : 1080) }

    var hasPort: Bool { writtenPort != nil }

    private var writtenPort: Int? {
        let digits = shown.reversed().prefix { $0.isNumber }
        guard shown.dropLast(digits.count).last == ":" else { return nil }
        return Int(String(digits.reversed()))
    }
}
