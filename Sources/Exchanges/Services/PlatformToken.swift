import Federation
import HTTP
import Kernel
import Text

extension ExchangeContext {
    /// The token itself as the credential; nothing is sent. It lives until its `exp` by the local clock,
    /// and never longer than from `iat` to `exp`, whatever that clock says.
    ///
    /// Nobody judges it before it is delivered, so a token of another issuer than the account's is refused
    /// here. One that has expired is transient where the source can give another.
    func passedOn(_ token: SubjectToken, for account: Account) -> Exchange {
        let now = timekeeper.wallClock
        do throws(Failure) {
            try check(token, account)
            let (lifetime, notes) = try lifetime(of: token, account, at: now)
            let credential = Credential(
                kind: .accessToken(type: "Bearer", scheme: account.service.kind.facts.scheme),
                value: token.value,
                issuedAt: now,
                lifetime: lifetime,
                receivedAt: timekeeper.now
            )
            return Exchange(outcome: .success(credential), clockSkew: nil, notes: notes)
        } catch {
            return Exchange(outcome: .failure(error), clockSkew: nil)
        }
    }

    private func check(_ token: SubjectToken, _ account: Account) throws(Failure) {
        if let issuer = account.issuer, let claims = token.claims, !claims.isIssued(by: issuer) {
            throw Failure(
                .noSource,
                at: .subjectToken,
                "the token of \(token.source) has the issuer \(claims.issuer?.printable ?? "none"), and"
                    + " issuerUri is \(issuer.printable)",
                hint: "name the source of the other in credentialSource, or leave issuerUri out"
            )
        }
        guard token.value.count <= Self.longestToken,
            token.value.text.utf8.isVisibleASCII
        else {
            throw Failure(
                .noSource,
                at: .subjectToken,
                "the token of \(token.source) has \(token.value.count) bytes, not all of them such as a"
                    + " token has"
            )
        }
    }

    /// In bytes, as for the tokens of a service.
    private static let longestToken = 65_536

    private func lifetime(
        of token: SubjectToken,
        _ account: Account,
        at now: WallTime
    ) throws(Failure) -> (seconds: Double, notes: [String]) {
        guard let end = token.claims?.expiresAt else {
            let what = token.claims == nil ? "is not a JWT" : "has no exp"
            let seconds = account.lifetime
            return (
                seconds, ["the token \(what): it is taken to live \(Int(seconds)) s (lifetime)"]
            )
        }
        let whole = token.claims?.issuedAt.map { end - $0 } ?? .infinity
        let left = min(end - now.secondsSinceEpoch, whole)
        guard left > 0 else {
            throw Failure(
                token.isRenewable ? .transient : .noSource,
                at: .subjectToken,
                "the token of \(token.source) expired \(Int((-left).clamped(to: 0...1e12))) s ago by this"
                    + " machine's clock",
                hint: token.isRenewable
                    ? "start the program that renews the token, or see in its log why it does not; where the token is new,"
                        + " set this machine's clock (timedatectl, chronyc tracking)"
                    : "the source gives no other token: start again with a new one"
            )
        }
        return (min(left, Credential.longestLifetime), [])
    }
}
