import Exchanges
package import Federation
import HTTP
import Kernel
import Text

/// What one plain request to a service's host told of the way there.
package struct ServiceProbe: Sendable {
    package var steps: [StepReport]
    /// Whether the service answered.
    package let isReached: Bool
    /// Seconds by which the local wall clock is ahead of the service's; `nil` where no reply told.
    package let clockSkew: Double?
    /// Of a certificate that this machine's clock says is not valid now.
    var lapse: CertificateLapse?
}

extension ExchangeContext {
    /// Seconds for each request of a probe.
    static let probeLimit = 10.0

    /// Asks the service's host for its root page, with no proof and nothing secret, and tells of each
    /// part of the way: proxy, name, connection, TLS, HTTP, clock.
    package func probeService(of account: Account) async -> ServiceProbe {
        guard let endpoint = account.service.endpoint else { return .none }
        return await ServiceWay(account: account, endpoint: endpoint, context: self).probe()
    }
}

/// The way to an account's service.
struct ServiceWay {
    let account: Account
    let endpoint: Endpoint
    let context: ExchangeContext

    static let order: [StepReport.Name] = [.proxy, .dns, .connection, .tls, .http, .clock]

    var port: Int { endpoint.port ?? (endpoint.isSecure ? 443 : 80) }
    var place: String { "\(endpoint.host):\(port)" }

    var proxy: (settings: ProxySettings, origin: String)? {
        context.proxy(for: account, to: endpoint)
    }

    func probe() async -> ServiceProbe {
        let trust: HTTPRequest.Trust
        do throws(Failure) {
            trust = try context.trust(for: account)
        } catch {
            return ended(by: .failed(.tls, error))
        }
        var request = HTTPRequest(
            "GET",
            endpoint.origin + "/",
            route: proxy.map { .proxied($0.settings) } ?? .direct,
            trust: trust
        )
        request.wantsConnectionFacts = true
        let limit = context.timekeeper.now.advanced(bySeconds: ExchangeContext.probeLimit)
        do throws(HTTPError) {
            let deadline = min(limit, context.deadline)
            return reached(try await context.transport.send(request, deadline: deadline))
        } catch {
            let chain = await refusedChain(error)
            var probe = ended(by: await explained(step(error), error, chain))
            probe.lapse = CertificateLapse(error, chain, of: endpoint.host)
            return probe
        }
    }

    // MARK: A reply

    private func reached(_ response: HTTPResponse) -> ServiceProbe {
        if response.status == 407, proxy != nil { return ended(by: unauthorizedProxy) }
        let facts = response.connection
        let address = facts.map { "\($0.address) port \($0.port)" } ?? place
        let skew = response.date.map { context.timekeeper.wallClock.seconds(since: $0) }
        let isProxied = proxy.map { facts?.port == $0.settings.port } ?? false
        let steps = [
            proxyFound,
            isProxied ? byProxy : .ok(.dns, "\(endpoint.host) is \(facts?.address ?? "known")"),
            .ok(.connection, isProxied ? "\(place), through the proxy" : address),
            tlsFound(facts?.certificate),
            .ok(.http, "\(place) answers (status \(response.status))\(regionNote)"),
            clockStep(skew),
        ]
        return ServiceProbe(steps: steps, isReached: true, clockSkew: skew)
    }

    /// Which of Mondoo's environments it is; empty for other services, and on this machine.
    private var regionNote: String {
        guard account.service.kind == .mondoo, !Endpoint.isLoopback(endpoint.host) else {
            return ""
        }
        guard let region = MondooRegion.at(host: endpoint.host) else {
            return
                "; it is none of the hosts that Mondoo's page lists, and whether it is a"
                + " deployment of Mondoo's cannot be told here"
        }
        return ", \(region.name)"
    }

    private var proxyFound: StepReport {
        guard let proxy else {
            guard endpoint.isSecure,
                context.variable("HTTP_PROXY") ?? context.variable("http_proxy") != nil
            else { return .ok(.proxy, "none") }
            return .warning(
                .proxy,
                "none, though HTTP_PROXY is set, which is used for plain http only",
                hint:
                    "set HTTPS_PROXY to the same, if \(endpoint.host) can be reached only through the proxy"
            )
        }
        if let ignored = proxy.settings.noProxy.flatMap(Self.ignoredException) {
            return .warning(
                .proxy,
                "\(proxy.settings.shown) (\(proxy.origin)); NO_PROXY has \(ignored.printable), which"
                    + " matches nothing",
                hint: "write NO_PROXY as names and their ends, without * and ports: .example.com"
            )
        }
        let exceptions = proxy.settings.noProxy.map { ", but for \($0.printable)" } ?? ""
        return .ok(.proxy, "\(proxy.settings.shown) (\(proxy.origin))\(exceptions)")
    }

    /// An entry of `NO_PROXY` in a form that libcurl does not read. `CURLOPT_NOPROXY(3)`
    static func ignoredException(_ list: String) -> String? {
        list.split { $0 == "," || $0 == " " }.map(String.init).first { entry in
            let isPort = entry.count(where: { $0 == ":" }) == 1 && !entry.hasPrefix("[")
            return entry != "*" && (entry.contains("*") || isPort)
        }
    }

    private var byProxy: StepReport { .skipped(.dns, "the proxy resolves \(endpoint.host)") }

    private func tlsFound(_ certificate: CertificateFacts?) -> StepReport {
        guard endpoint.isSecure else { return .skipped(.tls, "plain http to this machine") }
        guard let certificate else { return .ok(.tls, "the certificate is good") }
        return .ok(
            .tls,
            "certificate of \(certificate.subject.printable), signed by"
                + " \(certificate.issuer.printable), until \(certificate.expires.printable)"
        )
    }

    private func clockStep(_ skew: Double?) -> StepReport {
        guard let skew else { return .skipped(.clock, "the service's reply has no date") }
        let amount = "\(Int(abs(skew).rounded())) s"
        guard abs(skew) > ClockTolerance.seconds else {
            return .ok(.clock, "within \(amount) of the service's")
        }
        return .warning(
            .clock,
            "this machine's clock is \(amount) \(skew > 0 ? "ahead of" : "behind") the service's",
            hint: "synchronise it (timedatectl, chronyc tracking): services check the times in"
                + " tokens"
        )
    }

    // MARK: No reply

    /// The steps with one that failed: those before it were taken, those after it were not.
    private func ended(by failed: StepReport) -> ServiceProbe {
        let steps = Self.order.map { name -> StepReport in
            if name == failed.name { return chosen(failed) }
            let isBefore = Self.order.prefix { $0 != failed.name }.contains(name)
            guard isBefore else { return .skipped(name, "not reached") }
            if name == .proxy { return proxyFound }
            if name == .tls { return tlsFound(nil) }
            if name == .dns {
                return proxy == nil ? .ok(.dns, "\(endpoint.host) has an address") : byProxy
            }
            return .ok(name, place)
        }
        return ServiceProbe(steps: steps, isReached: false, clockSkew: nil)
    }

    private func step(_ error: HTTPError) -> StepReport {
        switch error.kind {
        case .proxy: return proxyFailed(error)
        case .unresolved: return .failed(.dns, .transient, error.description, hint: nameHint)
        case .unreachable: return noConnection(error)
        case .timedOut(let phase) where phase.isBeforeRequest: return noConnection(error)
        case .tls(.other) where proxy?.settings.url?.hasPrefix("https:") == true:
            return .failed(
                .proxy,
                .transient,
                "\(proxy?.settings.shown ?? "") (\(proxy?.origin ?? "")): \(error.reason)",
                hint: "the proxy's own port does not speak TLS as https:// says: write http:// in"
                    + " \(proxy?.origin ?? "its URL"); TLS to the service goes through it all the same"
            )
        case .tls: return .failed(.tls, .transient, error.description, hint: tlsHint(error))
        case .trustStore:
            return .failed(.tls, .misconfigured, error.description, hint: error.hint)
        case .invalidRequest where proxy != nil:
            return .failed(
                .proxy,
                .misconfigured,
                "\(proxy?.origin ?? "") is not the URL of a proxy\(quoteNote): \(error.detail)",
                hint: quoteNote.isEmpty
                    ? "write http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT with @ in the"
                        + " password as %40"
                    : "write \(proxy?.origin ?? "it") without quotes around its value"
            )
        case .invalidRequest, .setup: return .failed(.http, .misconfigured, error.description)
        case .timedOut, .tooLarge, .malformed, .interrupted, .cancelled:
            return .failed(
                .http,
                .transient,
                error.description,
                hint: httpHint(error)
            )
        }
    }

    /// What is said of a value in quotes, as a file of variables may have it.
    private var quoteNote: String {
        let url = proxy?.settings.url ?? ""
        return url.hasPrefix("\"") || url.hasPrefix("'") ? ", it begins with a quote" : ""
    }

    private func noConnection(_ error: HTTPError) -> StepReport {
        if let proxy, !proxy.settings.excepts(endpoint.host) {
            return .failed(
                .proxy,
                .transient,
                "\(proxy.settings.shown) (\(proxy.origin)): \(error.reason)",
                hint: proxyConnectionHint(error)
            )
        }
        if error.phase == .resolve {
            return .failed(.dns, .transient, error.description, hint: nameHint)
        }
        // libcurl says so where it has not noted the time of the connection.
        if error.phase == .tls || error.detail.contains("SSL connection timeout") {
            return .failed(
                .tls,
                .transient,
                error.description,
                hint:
                    "a firewall or proxy between here and there allows the connection, but not TLS; or long packets"
                    + " are lost on the way, through a tunnel or VPN say (MTU): ping -M do -s 1400 \(endpoint.host)"
                    + " tells, and ip link set dev NAME mtu 1400 helps"
            )
        }
        if error.systemError == .networkUnreachable || error.reason.contains("unreachable") {
            let isSix = endpoint.host.contains(":")
            return .failed(
                .connection,
                .transient,
                error.description,
                hint: isSix
                    ? "this machine has no IPv6 route (ip -6 route): write a name or an IPv4 address in \(key),"
                        + " or give the machine one"
                    : "this machine or container has no route to \(endpoint.host) (ip route shows those that it has): give"
                        + " it a network and a default route (docker run --network none gives none); where only a proxy"
                        + " gets out, set HTTPS_PROXY"
            )
        }
        let hint =
            error.kind == .unreachable
            ? "nothing listens at \(place), or a firewall refuses the connection: correct \(key), or"
                + " start the service"
            : "a firewall drops the connection to \(place); where only a proxy gets out, set"
                + " HTTPS_PROXY or the account's proxy"
        return .failed(.connection, .transient, error.description, hint: hint)
    }

    private func proxyFailed(_ error: HTTPError) -> StepReport {
        if error.proxyStatus == 407 { return unauthorizedProxy }
        let origin = proxy.map { "\($0.settings.shown) (\($0.origin))" } ?? "the proxy"
        if proxy?.settings.url.map({ $0.count(where: { $0 == "@" }) > 1 }) == true {
            return .failed(
                .proxy,
                .misconfigured,
                "\(origin): there is more than one @ in its URL",
                hint: "write @ in a password as %40"
            )
        }
        return .failed(
            .proxy,
            .transient,
            "\(origin): \(error.reason)",
            hint: "\(proxyHint(error)); \(proxyWithout)"
        )
    }

    private var unauthorizedProxy: StepReport {
        let origin = proxy.map { "\($0.settings.shown) (\($0.origin))" } ?? "the proxy"
        return .failed(
            .proxy,
            .misconfigured,
            "\(origin) wants a user name and password (407)",
            hint: "write http://USER:PASSWORD@HOST:PORT in HTTPS_PROXY or MONDOO_API_PROXY; the"
                + " account file takes no password"
        )
    }

    /// What in the account file says where the service is.
    var key: String {
        guard case .tokenExchange(let service) = account.service, service.name == .conductorone,
            let client = service.clientID,
            client.contains("@\(endpoint.host)/")
                || client.contains("@\(endpoint.host.prefix { $0 != "." })/")
        else { return account.service.kind.facts.addressKey }
        return "clientId (behind the @)"
    }
}

extension ProxySettings {
    /// The URL without user and password.
    var shown: String {
        let text = url ?? ""
        let scheme = text.contains("://") ? String(text.prefix { $0 != ":" }) + "://" : ""
        // The last @ ends the password, whatever stands in it.
        let parts = text.dropFirst(scheme.count)
            .split(separator: "@", omittingEmptySubsequences: false)
        let host = (parts.last ?? "").prefix { !"/?#".contains($0) }
        return (scheme + host).printable
    }
}

extension ServiceProbe {
    /// Of an account without a service.
    fileprivate static let none = ServiceProbe(
        steps: ServiceWay.order.map {
            .skipped($0, "no service is asked: the token is the credential")
        },
        isReached: true,
        clockSkew: nil
    )
}
