import Federation
import HTTP
import Kernel
import Text

extension TokenExchange {
    /// A service account's token in exchange for the federated one (Google's IAM credentials API,
    /// `generateAccessToken`).
    func impersonate(
        _ impersonation: TokenExchangeService.Impersonation,
        with token: Secret,
        for subject: SubjectToken
    ) async throws(Failure) -> (credential: Credential, notes: [String]) {
        let body: JSON = [
            "delegates": [], "scope": .array(impersonation.scopes.map(JSON.string)),
            "lifetime": .string("\(impersonation.lifetime)s"),
        ]
        let place = "impersonation at \(impersonation.url.host)"
        let request = try context.request(
            impersonation.url.url,
            to: impersonation.url,
            for: account,
            sending: ("application/json", Secret(body.serialized())),
            authorization: token
        )
        let reply = try await context.send(request, to: place)
        guard reply.response.status == 200 else {
            let answer = Answer(reply)
            var failure = answer.failure(of: place, doing: "the service account's token")
            let refusal = ImpersonationRefusal(
                answer: answer,
                impersonation: impersonation,
                service: service,
                claims: subject.claims
            )
            failure.hint =
                failure.class == .refused ? refusal.hint : refusal.passingHint ?? failure.hint
            throw failure
        }
        return try credential(in: reply, place)
    }

    private func credential(
        in reply: Reply,
        _ place: String
    ) throws(Failure) -> (credential: Credential, notes: [String]) {
        do throws(ReplyError) {
            let json = try TokenExchangeReply.object(in: reply)
            let token = try TokenExchangeReply.token(json["accessToken"], named: "accessToken")
            guard let expiry = json["expireTime"]?.string.flatMap(date(rfc3339:)) else {
                throw ReplyError("expireTime is not an RFC 3339 time")
            }
            let rest = expiry.seconds(since: reply.serverTime)
            let what = "expireTime is \(Int(rest.clamped(to: -1e15...1e15))) s ahead"
            let lifetime = try CheckedLifetime(rest, what)
            let credential = Credential(
                kind: .accessToken(type: "Bearer", scheme: service.scheme),
                value: token,
                issuedAt: reply.serverTime,
                lifetime: lifetime.seconds,
                receivedAt: reply.requestedAt
            )
            return (credential, lifetime.notes)
        } catch {
            throw Failure(.transient, at: .reply, "\(place): \(error.reason)")
        }
    }
}
