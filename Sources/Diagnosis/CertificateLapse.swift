import Federation
import HTTP
import Kernel
import Text
import TokenSources

/// A certificate that is not valid at the time of this machine's clock: that, or the clock is wrong.
struct CertificateLapse: Sendable {
    /// Whether the certificate is not valid yet.
    private let isEarly: Bool
    /// Its last moment, or its first, in seconds since the epoch; of several the one that counts.
    private let limit: Double
    private let host: String

    /// `nil` for any other error, and for times that cannot be read.
    init?(_ error: HTTPError, _ chain: [CertificateFacts], of host: String) {
        guard case .tls(let reason) = error.kind, reason == .expired || reason == .notYetValid
        else { return nil }
        let isEarly = reason == .notYetValid
        let times = chain.compactMap { Self.seconds(isEarly ? $0.starts : $0.expires) }
        guard let limit = isEarly ? times.max() : times.min() else { return nil }
        (self.isEarly, self.limit) = (isEarly, limit)
        self.host = host
    }

    /// `Nov 30 14:49:05 2026 GMT`, as OpenSSL writes it.
    private static func seconds(_ text: String) -> Double? {
        guard text.hasSuffix(" GMT") else { return nil }
        return httpDate("Day \(text.dropLast(4))")?.secondsSinceEpoch
    }

    /// The steps, with the one of TLS certain where a token's issuer has told the time.
    func judged(_ steps: [StepReport], _ probe: SourceProbe) -> [StepReport] {
        guard case .success(let found) = probe.found, let issued = found.token.claims?.issuedAt,
            issued > limit
        else { return steps }
        return steps.map { step in
            guard step.name == .tls, step.state == .failed else { return step }
            var step = step
            step.text +=
                "; the token below was made \(isEarly ? "after the first of these days" : "after that"), by its"
                + " issuer's clock (iat)"
            step.hint =
                isEarly
                ? "this machine's clock is behind: set it (timedatectl set-ntp true, chronyc makestep)"
                : "the certificate has expired, and this machine's clock is not why: whoever runs \(host) has to"
                    + " renew it there; nothing on this machine helps"
            return step
        }
    }
}
