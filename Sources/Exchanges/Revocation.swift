package import Federation
import HTTP
package import Kernel

extension ExchangeContext {
    /// Has the service forget a credential before it expires. RFC 7009
    ///
    /// Returns when it is worth nothing any more; that includes one that the service does not know.
    /// - Throws: ``Failure`` at the step `revoke`: `misconfigured` where the service cannot revoke,
    ///   `transient` or `throttled` where it may work later (the credential then still lives).
    package func revoke(_ credential: Secret, for account: Account) async throws(Failure) {
        guard case .tokenExchange(let service) = account.service, let url = service.revokeURL else {
            throw Failure(
                .misconfigured,
                at: .revoke,
                "\(account.service.name) cannot revoke credentials",
                hint: "they end by themselves when they expire"
            )
        }
        let exchange = TokenExchange(service: service, account: account, context: self)
        let name = "\(service.name.rawValue) at \(url.host)"
        var parameters = RequestParameters()
        parameters.add("token", credential.text)
        parameters.add("token_type_hint", "access_token")
        if let clientID = service.clientID { parameters.add("client_id", clientID) }
        do throws(Failure) {
            let reply = try await send(try exchange.post(parameters, to: url), to: name)
            // Section 2.2: 200; there are those that say the same with "no content".
            if [200, 204].contains(reply.response.status) { return }
            throw Answer(reply).failure(of: name, doing: "the revocation", at: .revoke)
        } catch {
            var failure = error
            failure.step = .revoke
            throw failure
        }
    }
}
