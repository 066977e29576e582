package import Federation
import HTTP
import Kernel
import Text

extension ExchangeContext {
    /// Tries the credential as its user will: with Mondoo by the call that it has for this, signed with
    /// the credential's key. The other services document none; there the lifetime is told.
    ///
    /// - Parameter clockSkew: seconds by which the local wall clock is ahead of the service's.
    package func test(
        _ credential: Credential,
        for account: Account,
        clockSkew: Double
    ) async -> StepReport {
        let lifetime = "\(Int(credential.lifetime)) s, until \(rfc3339(credential.expiresAt))"
        guard credential.kind == .mondoo else {
            return .ok(.credential, "lives \(lifetime); \(account.service.name) has no test call")
        }
        do throws(Failure) {
            let place = try await ping(credential, account, clockSkew)
            return .ok(
                .credential,
                "a signed call to \(place) was accepted; refreshed as if it lived \(lifetime)"
                    + Self.rules(credential)
            )
        } catch  where error.class == .misconfigured {
            return .warning(
                .credential,
                "cannot be told here: \(error.message)",
                hint: "the credential was issued; try it with cnspec status"
            )
        } catch {
            return .failed(.credential, error)
        }
    }

    private static var method: String { "/AgentManager/PingPong" }

    /// Until when Mondoo takes the credential, where that may be later than it is taken to live here.
    private static func rules(_ credential: Credential) -> String {
        let rule =
            "; Mondoo itself goes by the provider's expiration (3600 s unless set, at most 24 h)"
        let document = Secret(base64Decoded(credential.value.text) ?? [])
        do throws(Failure) {
            let end = try MondooServiceAccount.certificateEnd(in: document)
            return "\(rule), and the certificate ends at \(rfc3339(end))"
        } catch {
            return rule
        }
    }

    private static func refusalHint(_ status: Int) -> String {
        status == 403
            ? "the credential was issued, and its roles do not allow the call: give the identity provider in Mondoo"
                + " a role that does, such as //iam.api.mondoo.app/roles/agent"
            : "the service account may have been removed, or the clock is wrong"
    }

    private func ping(
        _ credential: Credential,
        _ account: Account,
        _ clockSkew: Double
    ) async throws(Failure) -> String {
        let body = Secret("{}")
        let now = timekeeper.wallClock.advanced(bySeconds: -clockSkew)
        let document = Secret(base64Decoded(credential.value.text) ?? [])
        let signer = try MondooServiceAccount(parsing: document, "the credential")
        let url = signer.endpoint
        let bearer = try signer.bearer(for: body, at: now)
        let request = try request(
            url.url + Self.method,
            to: url,
            for: account,
            sending: ("application/json", body),
            authorization: bearer
        )
        let reply = try await send(request, to: "mondoo at \(url.host)")
        let status = reply.response.status
        guard status == 200 else {
            let isRefusal = (400..<500).contains(status) && status != 408 && status != 429
            // No page of Mondoo's has the call: a server without it says nothing of the credential.
            let isAbsent = [404, 405, 501].contains(status)
            throw Failure(
                isAbsent ? .misconfigured : isRefusal ? .refused : .transient,
                at: .reply,
                "\(url.host)\(Self.method) answered the credential's call with status \(status):"
                    + " \(reply.excerpt)",
                hint: isRefusal ? Self.refusalHint(status) : nil
            )
        }
        return url.host + Self.method
    }
}
