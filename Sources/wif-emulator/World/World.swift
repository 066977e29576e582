import Crypto
import Federation
import FoundationEssentials
import Kernel
import Serving
import Synchronization
import Text

/// What all roles share.
final class World: Sendable {
    let options: Options
    let clock: Clock
    let journal = Journal()
    let faults: FaultList
    /// One back end for both of Azure's endpoints.
    let azureTokens = AzureTokens()
    /// The account behind all of AWS's endpoints.
    let sts = STSCalls()
    let issuers: [Issuer]
    /// The API token with which Mondoo's identity providers are managed.
    let mondooToken = "mondoo-api-token-" + randomCode(32)
    /// Where each role is reached from outside, without a trailing `/`.
    let urls: [RoleName: String]

    init(_ options: Options, urls: [RoleName: String]) throws(CryptoError) {
        self.options = options
        self.urls = urls
        clock = Clock(offset: options.clockOffset)
        faults = FaultList(options.faults)
        var issuers: [Issuer] = []
        for platform in options.platforms {
            let url = options.issuerURL(of: platform.rawValue, base: urls[.issuers])
            issuers.append(
                try Issuer(name: platform.rawValue, url: url ?? platform.played.issuerURL)
            )
        }
        let custom = options.issuerURL(of: "custom", base: urls[.issuers])
        issuers.append(
            try Issuer(
                name: "custom",
                url: custom ?? "\(urls[.issuers] ?? "")/issuers/custom",
                kind: .p256
            )
        )
        self.issuers = issuers
    }

    /// Where a part is reached from outside, without a trailing `/`; empty where it is not played.
    func url(of part: RoleName) -> String { urls[part] ?? "" }

    /// Where a platform that is one part is reached.
    func url(of platform: TokenPlatform) -> String { url(of: RoleName(platform)) }

    func issuer(named name: String) -> Issuer? {
        issuers.first { $0.name == name }
    }

    /// A platform's claims, with what the user changed. A claim set to `null` is left out.
    func claims(of platform: TokenPlatform) -> [String: JSON] {
        let claims = platform.played.claims
            .merging(options.claims[platform.rawValue] ?? [:]) { _, new in new }
            .filter { $0.value != .null }
        return platform.played.amended(claims, options)
    }

    func tokenLifetime(of platform: TokenPlatform) -> Int64 {
        options.tokenLifetimes[platform.rawValue] ?? platform.played.tokenLifetime
    }

    /// A platform's token, noted as handed out.
    func token(
        of platform: TokenPlatform,
        from role: RoleName? = nil,
        claims: [String: JSON]
    ) throws(CryptoError) -> String {
        guard let issuer = issuer(named: platform.rawValue) else {
            throw .failed(doing: "signing a token", reason: "no such issuer")
        }
        let token = try issuer.token(claims: claims)
        note("subject-token", from: (role ?? RoleName(platform)).rawValue, token)
        return token
    }

    /// A secret with which a workload asks a platform for its token, noted as handed out.
    func requestSecret(of role: RoleName, bytes: Int) -> String {
        let secret = randomHex(bytes: bytes)
        note("request-token", from: role.rawValue, secret)
        return secret
    }

    func note(_ kind: String, from role: String, _ value: String) {
        let time = clock.now.secondsSinceEpoch
        journal.record(issued: Journal.Issued(kind: kind, from: role, value: value, time: time))
    }
}
