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

    // MARK: Authorities

    private func unsigned(_ step: StepReport, _ chain: [CertificateFacts]) -> StepReport {
        guard let own = chain.first, let last = chain.last else { return step }
        let authority = last.issuer.printable
        var step = step
        if chain.count == 1, own.subject == own.issuer { return selfSigned(step, own) }
        step.text +=
            chain.count > 1
            ? "; the certificates that \(place) sends lead to \(authority)"
            : "; \(place) sends one certificate alone, signed by \(authority)"
        if let file = account.caFile {
            return step.advising(
                "\(authority) is not in \(file.printable), and with caFile no other authority is trusted: remove"
                    + " caFile, if the system's authorities are meant, or add \(authority) to \(file.printable);"
                    + " if it is an intermediate authority, have \(endpoint.host) send its full chain"
            )
        }
        let issuer = DistinguishedName(last.issuer)
        if let root = trustedRelative(of: issuer) {
            return step.advising(
                "the chain is incomplete: \(place) does not send the certificate of \(authority), which stands between"
                    + " its own and an authority that is trusted here (\(root.printable)). Have whoever runs"
                    + " \(endpoint.host) send its full chain (fullchain.pem in place of cert.pem)"
            )
        }
        if isPublic || issuer.isInspector { return inspected(step, authority) }
        if issuer.isIntermediate {
            return step.advising(
                "\(authority) is an intermediate authority by its name, and its certificate is not sent: have whoever"
                    + " runs \(endpoint.host) send its full chain (fullchain.pem in place of cert.pem); if its root is"
                    + " of their own, add that here: \(Self.installing)"
            )
        }
        return step.advising(
            "\(authority) is not trusted here: get its certificate from whoever runs \(endpoint.host), and add it:"
                + " \(Self.installing). A public authority has to be trusted already: then the server does not"
                + " send its full chain, and whoever runs it has to mend that"
        )
    }

    private func selfSigned(_ step: StepReport, _ own: CertificateFacts) -> StepReport {
        var step = step
        step.text += "; \(place) has signed its certificate itself (\(own.subject.printable))"
        if isPublic { return inspected(step, own.issuer.printable) }
        return step.advising(
            "save that certificate and name it in caFile, if it is the right one (openssl s_client -connect"
                + " \(place) </dev/null | openssl x509 prints it); for a public service a proxy that inspects TLS"
                + " answers in its place"
        )
    }

    private func inspected(_ step: StepReport, _ authority: String) -> StepReport {
        step.advising(
            "a proxy or firewall between here and \(endpoint.host) inspects TLS and shows a certificate of its own:"
                + " get the certificate of \(authority) from whoever runs it, and add it: \(Self.installing)\(Self.misnamed);"
                + " or have \(endpoint.host) exempted from inspection there"
        )
    }

    /// That a file among those to be added has a name that update-ca-certificates passes over.
    private static var misnamed: String {
        let folder = "/usr/local/share/ca-certificates"
        do throws(Errno) {
            let others = try listDirectory(folder).filter {
                !$0.hasSuffix(".crt") && $0.contains(".")
            }
            guard let name = others.sorted().first else { return "" }
            return
                ". \(folder)/\(name.printable) is there, and its name does not end in .crt, without which it is passed over:"
                + " rename it, and run update-ca-certificates again"
        } catch {
            return ""
        }
    }

    /// How an authority comes to be trusted.
    private static let installing =
        "as NAME.crt in /usr/local/share/ca-certificates, then update-ca-certificates (Red Hat:"
        + " /etc/pki/ca-trust/source/anchors, then update-ca-trust); or name its PEM file in caFile"

    /// An authority of the same organisation that is trusted here, as the root of one that is not.
    private func trustedRelative(of issuer: DistinguishedName) -> String? {
        guard let organization = issuer.organization else { return nil }
        // Its roots have the name of the organisation that began it.
        let wanted =
            organization == "Let's Encrypt" ? "Internet Security Research Group" : organization
        let trust: HTTPRequest.Trust
        do throws(Failure) { trust = try context.trust(for: account) } catch { return nil }
        guard let path = trust.bundle else { return nil }
        do throws(ReadFileError) {
            let bundle = try readFile(path, limit: 16 << 20).bytes
            return authorities(inBundle: bundle).first { $0.organization == wanted }
                .map { "O = \($0.organization), CN = \($0.name)" }
        } catch {
            return nil
        }
    }
}

/// The parts of an authority's name as libcurl writes it: `O = Acme, CN = Acme CA`.
private struct DistinguishedName {
    let organization: String?
    private let name: String

    init(_ text: String) {
        var parts: [String: String] = [:]
        for part in text.parts(separatedBy: ", ") {
            guard let mark = part.firstIndex(of: "=") else { continue }
            let key = String(part[..<mark]).trimmed
            parts[key] = String(part[part.index(after: mark)...]).trimmed
        }
        organization = parts["O"]
        name = [parts["O"], parts["OU"], parts["CN"]].compactMap(\.self).joined(separator: " ")
            .lowercased()
    }

    /// Whether it is that of a product that inspects TLS.
    var isInspector: Bool {
        let words = [
            "inspect", "intercept", "decrypt", "proxy", "firewall", "gateway", "zscaler",
            "netskope",
            "fortinet", "fortigate", "palo alto", "blue coat", "bluecoat", "forcepoint", "sophos",
            "umbrella", "checkpoint", "check point", "mitm", "fiddler", "charles", "portswigger",
            "squid", "websense", "kaspersky", "swg", "ssl forward",
        ]
        return words.contains { name.contains($0) }
    }

    var isIntermediate: Bool {
        ["intermediate", "issuing", "subordinate", "sub ca", "subca"].contains { name.contains($0) }
    }
}
