import Federation
import HTTP
import Kernel
import Text

/// Why the way to a service ends, by what else there is to see on this machine and on the way.
extension ServiceWay {
    /// Seconds for a second look at the peer.
    private static let lookLimit = 6.0

    /// The failed step, with the cause where more than its error tells it.
    func explained(_ step: StepReport, _ error: HTTPError) async -> StepReport {
        switch error.kind {
        case .unresolved:
            if let step = exempted(step) { return step }
            return await context.transport.lookUp(endpoint.host) == .unanswered
                ? unanswered(step) : step
        case .timedOut(.resolve): return exempted(step) ?? unanswered(step)
        case .unreachable: return sentElsewhere(exempted(step) ?? step, isFirst: true)
        case .timedOut(let phase):
            return phase.isBeforeRequest ? sentElsewhere(exempted(step) ?? step) : step
        case .tls(.other):
            return sentElsewhere(resetHint(error).map { step.advising($0) } ?? step)
        case .tls(let reason) where reason == .expired || reason == .notYetValid:
            return await chained(step, reason)
        case .tls(let reason): return sentElsewhere(await chained(step, reason))
        case .trustStore: return storeless(step)
        case .malformed, .interrupted: return sentElsewhere(step)
        case .proxy, .tooLarge, .invalidRequest, .cancelled, .setup: return step
        }
    }

    // MARK: Names

    private func unanswered(_ step: StepReport) -> StepReport {
        let servers = NameFiles.reading().servers
        let which =
            servers.isEmpty
            ? "\(NameFiles.resolverPath) names no server"
            : servers.joined(separator: ", ").printable
        var step = step
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

    /// What the peer's own certificates tell; they were not taken, and nothing is sent to whoever has them.
    private func chained(_ step: StepReport, _ reason: HTTPError.TLSReason) async -> StepReport {
        var request = HTTPRequest("GET", endpoint.origin + "/")
        request.route = proxy.map { .proxied($0.settings) } ?? .direct
        request.onlyShakesHands = true
        let limit = context.timekeeper.now.advanced(bySeconds: Self.lookLimit)
        let chain: [CertificateFacts]
        do throws(HTTPError) {
            let reply = try await context.transport.send(
                request,
                deadline: min(limit, context.deadline)
            )
            chain = reply.connection?.chain ?? []
        } catch {
            return step
        }
        guard let own = chain.first else { return step }
        switch reason {
        case .expired, .notYetValid: return outOfTime(step, chain, isEarly: reason == .notYetValid)
        case .unknownAuthority: return unsigned(step, chain)
        case .wrongHost:
            var step = step
            let names = own.hosts.isEmpty ? own.subject : own.hosts
            step.text += "; the certificate is for \(names.printable)"
            return step
        case .other: return step
        }
    }

    private func outOfTime(
        _ step: StepReport,
        _ chain: [CertificateFacts],
        isEarly: Bool
    ) -> StepReport {
        var step = step
        let days = chain.map {
            "\($0.subject.printable) from \($0.starts.printable) to \($0.expires.printable)"
        }
        step.text += "; valid are: \(days.joined(separator: "; "))"
        let now = rfc3339(context.timekeeper.wallClock)
        return step.advising(
            isEarly
                ? "this machine's clock says \(now): if that is behind, set it (timedatectl, chronyc tracking); else the"
                    + " certificate of \(endpoint.host) was put to use too early, by whoever runs it"
                : "this machine's clock says \(now): if that is right, whoever runs \(endpoint.host) has to renew its"
                    + " certificate, and nothing on this machine helps; if it is ahead, set it (timedatectl, chronyc"
                    + " tracking)"
        )
    }

    private func unsigned(_ step: StepReport, _ chain: [CertificateFacts]) -> StepReport {
        guard let own = chain.first, let last = chain.last else { return step }
        let authority = last.issuer.printable
        var step = step
        let add = step.hint ?? "add it to the certificates of authorities that are trusted here"
        if chain.count > 1 {
            step.text += "; the certificates that \(place) sends lead to \(authority)"
            return step.advising("\(authority) is not trusted here: \(add)")
        }
        if own.subject == own.issuer {
            step.text += "; \(place) has signed its certificate itself (\(own.subject.printable))"
            return step.advising(
                "save that certificate and name it in caFile, if it is the right one (openssl s_client -connect"
                    + " \(place) </dev/null | openssl x509 prints it); for a public service a proxy that inspects TLS"
                    + " answers in its place"
            )
        }
        step.text += "; \(place) sends one certificate alone, signed by \(authority)"
        if let file = account.caFile {
            return step.advising(
                "\(authority) is not in \(file.printable), and with caFile no other authority is trusted: remove"
                    + " caFile, if the system's authorities are meant, or add \(authority) to \(file.printable);"
                    + " if it is an intermediate authority, have \(endpoint.host) send its full chain"
            )
        }
        return step.advising(
            "\(authority) is not trusted here. If it is an intermediate authority, the chain is incomplete:"
                + " have \(endpoint.host) send that certificate too (its full chain), or put it into caFile. If it"
                + " is an authority of its own, or a proxy's that inspects TLS: add it to the system's CA"
                + " certificates, or to caFile or SSL_CERT_FILE"
        )
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
    fileprivate func advising(_ hint: String) -> StepReport {
        var step = self
        step.hint = hint
        return step
    }
}
