import Federation
import HTTP
import Kernel
import Text

extension SourceContext {
    /// A request without a reply, with what in the environment has to do with it.
    func told(_ error: HTTPError, _ request: HTTPRequest) -> SourceError {
        var told = SourceError(error)
        guard error.isOfReaching, let hint = environmentHint(error, request) else { return told }
        told.hint = hint
        return told
    }

    /// The environment's part in that nobody was reached; `nil` where it has none.
    private func environmentHint(_ error: HTTPError, _ request: HTTPRequest) -> String? {
        let host = error.host
        if let name = overriding(host) {
            return
                "nothing answers at \(host), which the variable \(name) names: is it left over from a test or"
                + " another machine? unset \(name) then, so that the platform's own address is asked; if this is none of the platform's machines, name another"
                + " credentialSource"
        }
        if bare(host) == "169.254.169.254", let hint = metadataHint(error) { return hint }
        let named = naming(host)
        guard request.unixSocket == nil, request.route == .direct, !Endpoint.isLoopback(bare(host)),
            !host.hasPrefix("169.254."), let proxy = ProxySettings.general(variable)
        else { return named.map { namedHint(host, $0, error) } }
        let naming = named.map { ", which \($0) names," } ?? ""
        return
            "\(host)\(naming) is asked directly: \(proxy.variable) is not used for a platform's token service."
            + " Let this machine reach \(host) without the proxy (its name must resolve here, and the firewall"
            + " let port 443 through)"
    }

    /// For the address at which three clouds have their metadata services.
    private func metadataHint(_ error: HTTPError) -> String? {
        let platforms = TokenPlatform.allCases.filter { $0.facts.machineTitle != nil }
        guard let platform = platforms.first(where: { $0.rawValue == source }),
            let wanted = platform.facts.machineTitle
        else { return nil }
        let owner = platforms.first { platform in
            platform.facts.signs.contains { sign in
                if case .firmware = sign { isThere(sign) } else { false }
            }
        }
        let ways =
            "ip route get 169.254.169.254, iptables -S OUTPUT and nft list ruleset tell; in a cluster a"
            + " NetworkPolicy must allow egress to 169.254.169.254/32, port 80"
        if owner == platform {
            return
                "this is a machine of \(wanted), by its firmware, and this user does not get to its metadata service:"
                + " a firewall, a network policy or another route is in the way (\(ways))"
        }
        if let owner {
            return
                "this is a machine of \(owner.facts.machineTitle ?? ""), by its firmware, and not of \(wanted): write"
                + " credentialSource {\"provider\": \"\(owner.rawValue)\"}, with a trust for that identity at the service"
        }
        if error.systemError == .connectionRefused { return refusedHint(wanted, ways) }
        let isDropped = if case .timedOut = error.kind { true } else { false }
        return
            "nothing here says that this is a machine of \(wanted), and no metadata service answers: run the account"
            + " where it is one, or name the platform that this is one of in credentialSource, with a trust for that"
            + " identity at the service. If it is a machine of \(wanted), "
            + (isDropped
                ? "a firewall or network policy drops the request (\(ways))"
                : "its network or container has no way to 169.254.169.254 (\(ways))")
    }

    /// For an address of the machine's own link that refuses at once: a rule on the machine does so, while on
    /// another machine nobody answers there.
    private func refusedHint(_ wanted: String, _ ways: String) -> String {
        let who = userDescription(effectiveUserID())
        return
            "169.254.169.254 refused the user \(who), as whom the worker asks: a rule of this machine's firewall does so as a"
            + " rule, by user often, for where there is no such service nobody answers at all. iptables -S OUTPUT and nft list ruleset show it (--uid-owner, skuid); allow this user there:"
            + " iptables -I OUTPUT -d 169.254.169.254 -p tcp --dport 80 -m owner --uid-owner \(effectiveUserID()) -j ACCEPT."
            + " If there is no such rule and curl http://169.254.169.254/ is refused to root, too, this is no machine of"
            + " \(wanted): name the platform that it is one of in credentialSource"
    }

    /// For a host that a variable of the job or container names.
    private func namedHint(_ host: String, _ name: String, _ error: HTTPError) -> String {
        let fault =
            error.kind == .unresolved ? "its name has no address here" : "nothing answers there"
        return
            "the variable \(name) names \(host), and \(fault): if \(name) is left over from another job, container or"
            + " test, unset it or take this one's; else let this user's requests to \(host) through (firewall, network"
            + " policy)"
    }

    private func bare(_ host: String) -> String { String(host.prefix { $0 != ":" }) }

    /// The variable that sends a platform's questions to the host in place of its own address.
    private func overriding(_ host: String) -> String? {
        let names = TokenPlatform.allCases.flatMap(\.facts.overrides)
        return names.first { variable($0).map { hostPart($0) == host } ?? false }
    }

    /// Any variable with a URL on the host.
    private func naming(_ host: String) -> String? {
        environment.keys.sorted().first { name in
            variable(name).map { $0.contains("://") && hostPart($0) == host } ?? false
        }
    }

    private func hostPart(_ value: String) -> String {
        String(value.withoutScheme.prefix { !"/?#".contains($0) })
    }
}

extension HTTPError {
    /// Whether nobody was reached, as opposed to somebody who answers otherwise than expected.
    fileprivate var isOfReaching: Bool {
        switch kind {
        case .unresolved, .unreachable: true
        case .timedOut(let phase): phase.isBeforeRequest
        case .tls, .trustStore, .proxy, .tooLarge, .malformed, .interrupted, .invalidRequest,
            .cancelled, .setup:
            false
        }
    }
}
