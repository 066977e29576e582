import Federation
import HTTP
import Kernel
import Text

/// Why the way to a service ends, by what else there is to see on this machine and on the way.
extension ServiceWay {
    /// Seconds for a second look at the peer.
    static let lookLimit = 6.0

    /// The failed step, with the cause where more than its error tells it.
    func explained(
        _ step: StepReport,
        _ error: HTTPError,
        _ chain: [CertificateFacts]
    ) async -> StepReport {
        if [.dns, .connection].contains(step.name), !Endpoint.isLoopback(endpoint.host),
            context.transport.lacksNetwork, exempted(step) == nil
        {
            return absent(step)
        }
        switch error.kind {
        case .unresolved:
            if let step = exempted(step) { return step }
            return switch await context.transport.lookUp(endpoint.host) {
            case .unanswered: unanswered(step)
            case .unknown: step.advising(unknownNameHint)
            case .known, .failed: step
            }
        case .timedOut(.resolve): return exempted(step) ?? unanswered(step)
        case .unreachable:
            let step = exempted(step) ?? step
            // Without any way out no address would do.
            guard error.systemError != .networkUnreachable else { return step }
            let filtered = await filtered(step)
            return filtered ?? sentElsewhere(step, isFirst: true)
        case .timedOut(let phase):
            return phase.isBeforeRequest ? sentElsewhere(exempted(step) ?? step) : step
        case .tls(.other):
            return sentElsewhere(resetHint(error).map { step.advising($0) } ?? step)
        case .tls(let reason) where reason == .expired || reason == .notYetValid:
            return chained(step, reason, chain)
        case .tls(let reason): return sentElsewhere(chained(step, reason, chain))
        case .trustStore: return storeless(step)
        case .malformed, .interrupted: return sentElsewhere(step)
        case .proxy: return await internalHost(step, error)
        case .tooLarge, .invalidRequest, .cancelled, .setup: return step
        }
    }

    /// For a container or machine without a network.
    private func absent(_ step: StepReport) -> StepReport {
        var step = step
        step.text +=
            "; this machine or container has no network: no interface but lo has an address"
        return step.advising(
            "give it a network: start the container with one (docker run without --network none, or docker network"
                + " connect; in a pod see its sandbox), on a machine bring the interface up (ip link, ip address and ip"
                + " route show what there is); nothing is to be changed in the account file"
        )
    }

    // MARK: Names

    /// Where a name leads to this machine or to nowhere, and no line of the hosts file says so.
    private func filtered(_ step: StepReport) async -> StepReport? {
        let files = NameFiles.reading()
        guard proxy == nil || proxy?.settings.excepts(endpoint.host) == true,
            !Endpoint.isLoopback(endpoint.host), files.line(of: endpoint.host) == nil,
            case .known(let address) = await context.transport.lookUp(endpoint.host),
            ["0.0.0.0", "::"].contains(address) || Endpoint.isLoopback(address)
        else { return nil }
        let servers = files.servers.joined(separator: ", ").printable
        let which = servers.isEmpty ? "" : " (\(servers) of \(NameFiles.resolverPath))"
        var step = step
        step.text += "; the name server\(which) answers \(address) for \(endpoint.host)"
        return step.advising(
            "a filter of names answers in that name server's place or is it: \(address) is what such filters give for a"
                + " name that they block. Have \(endpoint.host) allowed there, or name another server in"
                + " \(NameFiles.resolverPath)"
        )
    }

    /// Where a proxy does not get to a host that this machine knows as one of the network's own.
    private func internalHost(_ step: StepReport, _ error: HTTPError) async -> StepReport {
        guard let status = error.proxyStatus, [404, 502, 503, 504].contains(status), !isPublic,
            let proxy, account.proxy == nil, !proxy.settings.excepts(endpoint.host),
            case .known(let address) = await context.transport.lookUp(endpoint.host),
            NameFiles.isPrivate(address)
        else { return step }
        var step = step
        step.text += "; here \(endpoint.host) is \(address), an address of the network's own"
        let variable = context.variable("no_proxy") == nil ? "NO_PROXY" : "no_proxy"
        let list = proxy.settings.noProxy.map { "\($0.printable)," } ?? ""
        return step.advising(
            "the proxy does not get to \(endpoint.host), which is a host of this network: have it asked directly,"
                + " \(variable)=\(list)\(endpoint.host); if only the proxy gets there, see its log"
        )
    }

    private func unanswered(_ step: StepReport) -> StepReport {
        let servers = NameFiles.reading().servers
        let which =
            servers.isEmpty
            ? "\(NameFiles.resolverPath) names no server"
            : servers.joined(separator: ", ").printable
        var step = step
        if let closed = NameFiles.unreadable {
            step.text += "; this user may not read \(closed), which says whom to ask"
            return step.advising(
                "chmod 644 \(closed): every user's programs read it, and the agent's may not now"
            )
        }
        step.text += "; no name server gave an answer, or only that it failed (\(which))"
        return step.advising(
            "this machine's name servers are at fault, and not \(key): \(NameFiles.resolverPath) must name one"
                + " that answers from here (getent hosts, resolvectl status; in a container docker run --dns ADDRESS, in a"
                + " pod dnsPolicy and the cluster's DNS); 127.0.0.53 is the host's own and is not to be reached from"
                + " inside a container"
        )
    }

    /// Where the proxy is not used for the host, because the exceptions name it.
    private func exempted(_ step: StepReport) -> StepReport? {
        guard let proxy, let entry = proxy.settings.exception(for: endpoint.host) else {
            return nil
        }
        let variable = context.variable("NO_PROXY") == nil ? "no_proxy" : "NO_PROXY"
        var step = step
        step.text +=
            "; the proxy \(proxy.settings.shown) is not used for \(endpoint.host), because \(variable) has"
            + " \(entry.printable)"
        return step.advising(
            "take \(entry.printable) out of \(variable), if \(endpoint.host) is to be reached through the"
                + " proxy (\(proxy.origin)); if it is to be reached directly: \(step.hint ?? "see why it is not")"
        )
    }

    /// Tells where the hosts file gives the host's name an address, which the name servers may not have.
    ///
    /// - Parameter isFirst: nobody is there, so that the address itself is in question before all else.
    private func sentElsewhere(_ step: StepReport, isFirst: Bool = false) -> StepReport {
        guard proxy == nil || proxy?.settings.excepts(endpoint.host) == true,
            !Endpoint.isLoopback(endpoint.host),
            let line = NameFiles.reading().line(of: endpoint.host)
        else { return step }
        let isOwn = Endpoint.isLoopback(line.address)
        let place = "line \(line.number) of \(NameFiles.hostsPath)"
        var step = step
        step.text +=
            "; \(endpoint.host) is \(line.address.printable)\(isOwn ? ", this machine itself," : "") by \(place)"
        guard !isOwn else {
            return step.advising(
                "remove \(place), if it is left over from a test: then the name servers are asked for"
                    + " \(endpoint.host); if it is meant, start what is to answer there"
            )
        }
        if isFirst, let rest = step.hint {
            return step.advising(
                "remove \(place), if it is left over: then the name servers are asked for"
                    + " \(endpoint.host); if the address is right: \(rest)"
            )
        }
        let rest = step.hint.map { "\($0); and" } ?? "compare it with the name server's address:"
        return step.advising("\(rest) if \(place) is left over from a test, remove it")
    }

    /// Tells where a variable of the environment has chosen the address that fails.
    func chosen(_ step: StepReport) -> StepReport {
        let facts = account.service.kind.facts
        let name = facts.addressVariables.first { name in
            context.variable(name)?.contains(endpoint.host) ?? false
        }
        guard step.name != .proxy, let name, let value = context.variable(name) else {
            return step
        }
        var step = step
        step.text += "; the address is that of the variable \(name)"
        let rest = step.hint.map { "; only if that address is meant: \($0)" } ?? ""
        return step.advising(
            "unset \(name), which is \(value.printable) here, as a test or another installation leaves it behind:"
                + " \(facts.title)'s own address is asked then\(rest)"
        )
    }

    // MARK: TLS

    /// A connection that ended before any certificate came.
    private func resetHint(_ error: HTTPError) -> String? {
        // The words of the system, and of OpenSSL for an end without goodbye.
        let signs = ["reset by peer", "SSL_ERROR_SYSCALL", "unexpected eof", "Broken pipe"]
        guard signs.contains(where: error.detail.contains) else { return nil }
        let way =
            proxy == nil
            ? "where only a proxy gets out, set HTTPS_PROXY or the account's proxy"
            : "have the proxy's log looked at"
        return
            "\(place) takes the connection and ends it at the first word of TLS, before any certificate: a firewall"
            + " between here and there that filters by name does so; have \(endpoint.host) allowed there, or \(way)."
            + " Else another program than \(account.service.name) listens at that port"
    }

    /// A machine without any authority's certificate.
    private func storeless(_ step: StepReport) -> StepReport {
        guard account.caFile == nil else { return step }
        for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
            guard let path = context.variable(name) else { continue }
            let advice = name == "SSL_CERT_FILE" ? pathAdvice(path, .notFound) : nil
            if name == "SSL_CERT_FILE", FileFacts(ifAt: path)?.kind == .directory {
                return step.advising(
                    "SSL_CERT_FILE names \(path.printable), which is a directory: unset it, and name the directory"
                        + " in SSL_CERT_DIR"
                )
            }
            let isMissing = FileFacts(ifAt: path) == nil
            let why =
                isMissing ? advice.map { " (\($0.printable))" } ?? ", and nothing is there" : ""
            return step.advising(
                "\(name) names \(path.printable)\(why): correct it, or unset \(name), so that the system's authorities"
                    + " are trusted"
            )
        }
        return step.advising(
            "this machine has no certificates of authorities where systems keep them (/etc/ssl/certs,"
                + " /etc/pki/tls/certs): install the package ca-certificates, into the image of a container; or name a"
                + " PEM file of them in caFile or SSL_CERT_FILE"
        )
    }
}

extension StepReport {
    /// The same with other advice.
    func advising(_ hint: String) -> StepReport {
        var step = self
        step.hint = hint
        return step
    }
}
