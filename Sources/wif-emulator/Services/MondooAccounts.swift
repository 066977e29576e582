import Crypto
import Federation
import FoundationEssentials
import Kernel
import Policy
import Serving
import Synchronization
import Text

/// The service accounts that exchanges made, and the check of what they sign.
final class MondooAccounts: Sendable {
    private struct Account: Sendable {
        let key: PublicKey
        let expiry: Double
        /// The identity provider that it was made by.
        let binding: String
    }

    private let world: World
    private let authority: CertificateAuthority
    private let accounts = Mutex<[String: Account]>([:])

    init(world: World) throws(CryptoError) {
        self.world = world
        authority = try CertificateAuthority(commonName: "wif-emulator agents", kind: .p384)
    }

    /// A new service account of the identity provider, as the exchange hands it out.
    func credential(for binding: MondooBindings.Binding) throws(CryptoError) -> String {
        let now = world.clock.now
        let scope = binding.scope
        let lifetime =
            binding.terms.expiration.map(Int64.init) ?? world.options.credentialLifetime
        let mrn = MondooAccounts.mrn(in: scope)
        let key = try PrivateKey.generate(.p384)
        let shown = world.options.certificateLifetime ?? lifetime
        let certificate = try authority.issue(
            commonName: MondooAccounts.commonName(mrn),
            hosts: [],
            key: key,
            notBefore: now,
            notAfter: now.advanced(bySeconds: Double(shown))
        )
        let verifier = try PublicKey(jwk: key.publicJWK(keyID: mrn))
        let expiry = now.secondsSinceEpoch + Double(lifetime)
        accounts.withLock { accounts in
            accounts = accounts.filter { $0.value.expiry > now.secondsSinceEpoch - 3600 }
            accounts[mrn] = Account(key: verifier, expiry: expiry, binding: binding.mrn)
        }
        return encoded(mrn, scope, try key.pem().text, try certificate.pem)
    }

    private func encoded(
        _ mrn: String,
        _ scope: String,
        _ key: String,
        _ certificate: String
    ) -> String {
        var credential: [String: JSON] = [
            "mrn": .string(mrn), "space_mrn": .string(scope), "private_key": .string(key),
            "certificate": .string(certificate),
            "api_endpoint": .string(world.url(of: .mondoo)),
        ]
        if !scope.contains("/spaces/") { credential["scope_mrn"] = .string(scope) }
        let value = base64Encoded(JSON.object(credential).serialized())
        world.note("credential", from: "mondoo", value)
        world.note("private-key", from: "mondoo", key)
        return value
    }

    /// An identity provider takes its service accounts with it.
    func remove(madeBy binding: String) {
        accounts.withLock { accounts in
            accounts = accounts.filter { $0.value.binding != binding }
        }
    }

    /// Accepts the bearer that a service account signs for each call.
    func authenticate(_ request: HTTPServerRequest) throws(MondooError) {
        guard let bearer = request.authorization("bearer"),
            let claims = TokenClaims(decoding: Secret(bearer)),
            let mrn = claims.header["kid"]?.string,
            let account = accounts.withLock({ $0[mrn] })
        else { throw MondooError(.unauthenticated, "there is no such service account") }
        let now = world.clock.now.secondsSinceEpoch
        let hash = sha256(request.body).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
        let isSound =
            account.key.verifyJWS(bearer) && claims.subject == mrn && claims.issuer == "mondoo/ams"
            && claims.expiresAt ?? 0 > now && claims.issuedAt ?? 0 <= now + 60
            && claims.all["chash"]?.string ?? hash == hash
        guard isSound else { throw MondooError(.unauthenticated, "the bearer is not valid") }
        guard account.expiry > now else {
            throw MondooError(.unauthenticated, "the service account has expired")
        }
    }

    private static func mrn(in scope: String) -> String {
        let path = scope.split(separator: "/").dropFirst().joined(separator: "/")
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        let id = String((0..<24).map { _ in digits[Int.random(in: digits.indices)] })
        return "//agents.api.mondoo.app/\(path)/serviceaccounts/2bU\(id)"
    }

    /// The MRN, or its end where it exceeds the 64 characters of a common name. RFC 5280 A.1
    private static func commonName(_ mrn: String) -> String {
        mrn.utf8.count <= 64 ? mrn : String(mrn.split(separator: "/").last ?? "")
    }
}
