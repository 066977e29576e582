import Crypto
import Exchanges
import Federation
import HTTP
import Kernel
import Text

/// What the certificates tell of a peer that was not believed.
extension ServiceWay {
    /// The peer's own certificates, where they were not taken; nothing is sent to whoever has them.
    func refusedChain(_ error: HTTPError) async -> [CertificateFacts] {
        guard case .tls(let reason) = error.kind, reason != .other else { return [] }
        var request = HTTPRequest("GET", endpoint.origin + "/")
        request.route = proxy.map { .proxied($0.settings) } ?? .direct
        request.onlyShakesHands = true
        let limit = context.timekeeper.now.advanced(bySeconds: Self.lookLimit)
        do throws(HTTPError) {
            let reply = try await context.transport.send(
                request,
                deadline: min(limit, context.deadline)
            )
            return reply.connection?.chain ?? []
        } catch {
            return []
        }
    }

    /// What they tell of why.
    func chained(
        _ step: StepReport,
        _ reason: HTTPError.TLSReason,
        _ chain: [CertificateFacts]
    ) -> StepReport {
        guard let own = chain.first else { return step }
        switch reason {
        case .expired, .notYetValid: return outOfTime(step, chain, isEarly: reason == .notYetValid)
        case .unknownAuthority: return unsigned(step, chain)
        case .wrongHost: return named(step, own)
        case .other: return step
        }
    }

    // MARK: Times

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

    // MARK: Names

    private func named(_ step: StepReport, _ own: CertificateFacts) -> StepReport {
        var step = step
        let names = own.hosts.isEmpty ? own.subject : own.hosts
        step.text += "; the certificate is for \(names.printable)"
        let hosts = Self.hostNames(own.hosts)
        if isPublic {
            return step.advising(
                "whoever answers there is not \(endpoint.host): a gateway or login page of this network, or an"
                    + " address that is not its own. getent hosts \(endpoint.host) shows the address; compare it with"
                    + " that of another network, and have whoever runs this one let the machine through"
            )
        }
        let region =
            account.service.kind == .mondoo ? hosts.first(where: MondooRegion.isListed) : nil
        if let region {
            return step.advising(
                "write \"\(key)\": \"https://\(region)\": the server at \(endpoint.host) is Mondoo's, and its"
                    + " certificate has no other names than Mondoo's own"
            )
        }
        let plain = hosts.filter { !$0.hasPrefix("*") }
        guard let first = plain.first else {
            return step.advising(
                "have whoever runs \(endpoint.host) get a certificate with that name; or write in \(key) a name"
                    + " that the certificate has"
            )
        }
        let port = endpoint.port.map { ":\($0)" } ?? ""
        let others = plain.count > 1 ? ", or another of its names" : ""
        return step.advising(
            "write https://\(first.printable)\(port) in \(key)\(others), if that is the service that is meant:"
                + " its certificate is for that name; or have whoever runs \(endpoint.host) get one for this name"
        )
    }

    /// Of `DNS:a.example, DNS:b.example`.
    private static func hostNames(_ text: String) -> [String] {
        text.split { ", ".contains($0) }.map(String.init).filter { $0.hasPrefix("DNS:") }
            .map { String($0.dropFirst("DNS:".count)).lowercased() }
    }
}
