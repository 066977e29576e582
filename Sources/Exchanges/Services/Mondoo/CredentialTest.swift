package import Federation
internal import FoundationEssentials
internal import HTTP
internal import Platform

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
            return .ok(.credential, "a signed call to \(place) was accepted; lives \(lifetime)")
        } catch {
            return .failed(.credential, error)
        }
    }

    private static var method: String { "/AgentManager/PingPong" }

    private func ping(
        _ credential: Credential,
        _ account: Account,
        _ clockSkew: Double
    ) async throws(Failure) -> String {
        let body = Secret("{}")
        let now = timekeeper.wallClock.addingTimeInterval(-clockSkew)
        let document = Secret(base64Decoded(credential.value.text) ?? [])
        let signer = try MondooServiceAccount(parsing: document, "the credential")
        let url = signer.endpoint
        let bearer = try signer.bearer(for: body, at: now)
        let request = HTTPRequest(
            "POST",
            url.url + Self.method,
            headers: [
                HTTPHeader("Content-Type", "application/json"),
                HTTPHeader("Accept", "application/json"),
                HTTPHeader("Authorization", value: Secret("Bearer \(bearer.text)")),
            ],
            body: body,
            route: route(
                for: account,
                to: url,
                serviceVariable: ServiceName.mondoo.facts.proxyVariable
            ),
            trust: try trust(for: account)
        )
        let reply = try await send(request, to: "mondoo at \(url.host)")
        let status = reply.response.status
        guard status == 200 else {
            let isRefusal = (400..<500).contains(status) && status != 408 && status != 429
            throw Failure(
                isRefusal ? .refused : .transient,
                at: .reply,
                "\(url.host)\(Self.method) answered the credential's call with status \(status):"
                    + " \(reply.excerpt)",
                hint: isRefusal
                    ? "the service account may have been removed, or the clock is wrong" : nil
            )
        }
        return url.host + Self.method
    }
}
