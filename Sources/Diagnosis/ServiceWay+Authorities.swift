import Crypto
import Exchanges
import Federation
import HTTP
import Kernel
import Text

/// What the certificates of a peer, and those of authorities on this machine, tell of why it was not believed.
extension ServiceWay {
    func unsigned(_ step: StepReport, _ chain: [CertificateFacts]) -> StepReport {
        guard let own = chain.first, let last = chain.last else { return step }
        let authority = last.issuer.printable
        let issuer = DistinguishedName(last.issuer)
        let look = lookForAuthority(issuer)
        var step = step
        if chain.count == 1, own.subject == own.issuer {
            return look.flatMap { unreadable(step, $0) } ?? selfSigned(step, own)
        }
        step.text +=
            chain.count > 1
            ? "; the certificates that \(place) sends lead to \(authority)"
            : "; \(place) sends one certificate alone, signed by \(authority)"
        if let look, let told = told(step, look, authority) { return told }
        if let file = account.caFile {
            return step.advising(
                "\(authority) is not in \(file.printable), and with caFile no other authority is trusted: remove"
                    + " caFile, if the system's authorities are meant, or add \(authority) to \(file.printable);"
                    + " if it is an intermediate authority, have \(endpoint.host) send its full chain"
            )
        }
        if let root = trustedRelative(of: issuer) {
            return step.advising(
                "the chain is incomplete: \(place) does not send the certificate of \(authority), which stands between"
                    + " its own and an authority that is trusted here (\(root.printable)). Have whoever runs"
                    + " \(endpoint.host) send its full chain (fullchain.pem in place of cert.pem)"
            )
        }
        return untrusted(step, issuer, authority)
    }

    /// For an authority that is in no file here.
    private func untrusted(
        _ step: StepReport,
        _ issuer: DistinguishedName,
        _ authority: String
    ) -> StepReport {
        if issuer.isPublicAuthority {
            return step.advising(
                "\(authority) is a public authority that this machine's certificates lack: bring the package"
                    + " ca-certificates up to date (apt-get install --reinstall ca-certificates; Red Hat: dnf reinstall"
                    + " ca-certificates), in an image of a container by a new build\(otherStore)"
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

    /// Of a variable that names other authorities than the system's.
    private var otherStore: String {
        guard account.caFile == nil, let file = context.variable("SSL_CERT_FILE") else { return "" }
        return
            "; SSL_CERT_FILE is \(file.printable), and nothing else is trusted: unset it, if the system's are meant"
    }

    // MARK: This machine's files

    private func lookForAuthority(_ issuer: DistinguishedName) -> TrustLook? {
        let wanted = AuthorityName(
            organization: issuer.organization ?? "",
            name: issuer.commonName ?? ""
        )
        do throws(Failure) {
            return TrustLook(for: wanted, in: try context.trust(for: account))
        } catch {
            return nil
        }
    }

    /// What the files of authorities tell, before anything is concluded of the peer.
    private func told(_ step: StepReport, _ look: TrustLook, _ authority: String) -> StepReport? {
        if let step = unreadable(step, look) { return step }
        var step = step
        if let file = look.sameName?.printable {
            step.text +=
                "; \(file) has an authority of that name with another key: its certificate was renewed, or is of another"
            return step.advising(
                "get the present certificate of \(authority) from whoever runs it, and put it into \(file) in place of"
                    + " the old one (openssl x509 -in \(file) -noout -subject -dates -fingerprint shows the old one)"
                    + (account.caFile == nil
                        ? ", then update-ca-certificates where that writes it" : "")
            )
        }
        if let (directory, file) = look.unlinked {
            step.text +=
                "; \(file.printable) has that authority, and OpenSSL finds authorities in a directory by links with the"
                + " hash of their name alone, of which it has none"
            return step.advising(
                "openssl rehash \(directory.printable) makes the link; or name \(file.printable) in caFile"
            )
        }
        if let file = look.waiting?.printable {
            step.text += "; \(file) has that authority, and is not among the system's yet"
            let name = splitPath(file).name.prefix { $0 != "." }
            return step.advising(
                file.hasSuffix(".crt")
                    ? "update-ca-certificates adds it"
                    : "rename it to \(splitPath(file).directory)/\(name).crt, for a file whose name does not end in .crt is"
                        + " passed over, then update-ca-certificates"
            )
        }
        return nil
    }

    /// That the authorities' certificates are not to be read, so that nothing can be told of the peer.
    private func unreadable(_ step: StepReport, _ look: TrustLook) -> StepReport? {
        guard let path = look.unreadable else { return nil }
        let who = userDescription(effectiveUserID())
        let facts = FileFacts(ifAt: path)
        let mode = facts.map { " (mode \($0.modeText), owner \(userDescription($0.owner)))" } ?? ""
        var step = step
        step.text +=
            "; \(who), as whom the worker runs, may not read \(path.printable)\(mode), where the trusted authorities are"
        let bits = facts?.kind == .directory ? "755" : "644"
        let command = "chmod \(bits) \(path.printable)"
        return step.advising(
            path.hasPrefix("/etc/")
                ? "\(command): every user's programs read it (update-ca-certificates under umask 077 leaves it so)"
                : "\(command), or make it readable to \(who) in another way"
        )
    }

    // MARK: Conclusions

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
                + " get the certificate of \(authority) from whoever runs it, and add it: \(Self.installing);"
                + " or have \(endpoint.host) exempted from inspection there"
        )
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
    let commonName: String?
    private let name: String

    init(_ text: String) {
        var parts: [String: String] = [:]
        for part in text.parts(separatedBy: ", ") {
            guard let mark = part.firstIndex(of: "=") else { continue }
            let key = String(part[..<mark]).trimmed
            parts[key] = String(part[part.index(after: mark)...]).trimmed
        }
        organization = parts["O"]
        commonName = parts["CN"]
        name = [parts["O"], parts["OU"], parts["CN"]].compactMap(\.self).joined(separator: " ")
            .lowercased()
    }

    /// Whether it is one of the authorities that systems trust by themselves.
    var isPublicAuthority: Bool {
        let owners = [
            "Let's Encrypt", "Internet Security Research Group", "DigiCert Inc", "Amazon",
            "Google Trust Services", "Google Trust Services LLC", "GlobalSign", "GlobalSign nv-sa",
            "Sectigo Limited", "The USERTRUST Network", "COMODO CA Limited", "IdenTrust",
            "Entrust, Inc.", "GoDaddy.com, Inc.", "Starfield Technologies, Inc.",
            "Microsoft Corporation", "SSL Corporation", "Baltimore", "ZeroSSL",
        ]
        return organization.map(owners.contains) ?? false && !isInspector
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
