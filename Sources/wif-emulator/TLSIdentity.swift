import Crypto
import FoundationEssentials
import Kernel

/// The emulator's certificate, the authority behind it, and the faults it may have.
struct TLSIdentity: Sendable {
    let server: TLSServer
    /// What clients are told to trust.
    let authority: Certificate

    init(_ options: Options) throws(CryptoError) {
        let signer = try CertificateAuthority(commonName: "wif-emulator CA")
        let shown =
            options.tlsFault == .unknownCA
            ? try CertificateAuthority(commonName: "wif-emulator CA") : signer
        authority = shown.certificate
        let key = try PrivateKey.generate(.p256)
        let hosts = options.tlsFault == .wrongHost ? ["wrong.host.invalid"] : options.tlsHosts
        let end: Double = options.tlsFault == .expired ? -60 : 7 * 86_400
        let certificate = try signer.issue(
            commonName: "wif-emulator",
            hosts: hosts,
            key: key,
            notBefore: WallTime.now.advanced(bySeconds: -300),
            notAfter: WallTime.now.advanced(bySeconds: end)
        )
        server = try TLSServer(chain: [certificate], key: key)
    }
}

extension Options {
    var needsTLS: Bool {
        servesTLS || listeners.contains(where: \.isTLS)
    }
}
