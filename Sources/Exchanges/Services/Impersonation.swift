import Federation
import HTTP
import Kernel
import Text

extension TokenExchange {
    /// A service account's token in exchange for the federated one (Google's IAM credentials API,
    /// `generateAccessToken`).
    func impersonate(
        _ impersonation: TokenExchangeService.Impersonation,
        with token: Secret
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
            if failure.class == .refused { failure.hint = hint(answer, impersonation) }
            throw failure
        }
        return try credential(in: reply, place)
    }

    private func hint(_ answer: Answer, _ impersonation: TokenExchangeService.Impersonation)
        -> String
    {
        let words = answer.words
        if words.contains("has not been used") || words.contains("service_disabled") {
            return
                "enable the IAM Service Account Credentials API (iamcredentials.googleapis.com) in the"
                + " service account's project"
        }
        if words.contains("scope") {
            return
                "write scopes that Google has, such as https://www.googleapis.com/auth/cloud-platform, by their whole"
                + " URLs"
        }
        if words.contains("lifetime") {
            return "write service_account_impersonation.token_lifetime_seconds as 3600 or less"
        }
        if words.contains("not found") || words.contains("unknown service account") {
            return
                "there is no such service account: correct its e-mail address in service_account_impersonation_url,"
                + " \(impersonation.url.description.printable) (gcloud iam service-accounts list shows those of a project)"
        }
        return
            "grant the workload's principal roles/iam.workloadIdentityUser on the service account that"
            + " service_account_impersonation_url names; a change takes minutes"
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
