package import Federation
import HTTP
import Kernel
package import Text

extension ExchangeContext {
    /// Sends a call of Mondoo's GraphQL API, by the account's way, and returns its `data`.
    ///
    /// - Throws: ``Failure``: `refused` where the service says no, in the status or in `errors`, `transient`
    ///   or `throttled` otherwise. Data that came beside errors is in the message by name only.
    package func data(of call: GraphQLCall, for account: Account) async throws(Failure) -> JSON {
        let body = Secret(
            JSON.object([
                "query": .string(call.document), "variables": call.variables,
            ]).serialized()
        )
        let request = try request(
            call.endpoint.url,
            to: call.endpoint,
            for: account,
            sending: ("application/json", body),
            authorization: try bearer(of: call, for: body)
        )
        let reply = try await send(request, to: "mondoo at \(call.endpoint.host)")
        return try GraphQLReply(reply, from: call.endpoint, self).data()
    }

    private func bearer(of call: GraphQLCall, for body: Secret) throws(Failure) -> Secret {
        switch call.caller {
        case .token(let token):
            let isSound = token.bytes.isVisibleASCII
            guard token.count > 0, isSound else {
                throw Failure(
                    .misconfigured,
                    at: .exchange,
                    "the API token is not one line of ASCII"
                )
            }
            return token
        case .serviceAccount(let file):
            let signer: MondooServiceAccount
            do throws(Failure) {
                signer = try MondooServiceAccount(parsing: file, "the service-account file")
            } catch {
                var failure = error
                failure.class = .misconfigured
                throw failure
            }
            return try signer.bearer(for: body, at: timekeeper.wallClock)
        }
    }
}

/// What a GraphQL service answered. https://spec.graphql.org/October2021/#sec-Response
private struct GraphQLReply {
    let place: String
    let response: HTTPResponse
    let excerpt: String
    let json: JSON?
    let retryAfter: Double?

    init(_ reply: Reply, from endpoint: Endpoint, _ context: ExchangeContext) {
        place = "mondoo at \(endpoint.host)"
        response = reply.response
        excerpt = reply.excerpt.isEmpty ? "" : ": \(reply.excerpt)"
        retryAfter = response.retryAfter(now: context.timekeeper.wallClock)
        do throws(JSONError) {
            json = try JSON(parsing: response.body.bytes)
        } catch {
            json = nil
        }
    }

    func data() throws(Failure) -> JSON {
        let errors = json?["errors"]?.array ?? []
        if !errors.isEmpty { throw refusal(errors) }
        guard response.status == 200 else { throw unexpected }
        guard let data = json?["data"], data.object != nil else {
            throw Failure(
                .transient,
                at: .reply,
                "\(place): status 200 without GraphQL's data\(excerpt)",
                hint: "is this the GraphQL endpoint? --endpoint names another"
            )
        }
        return data
    }

    private func refusal(_ errors: [JSON]) -> Failure {
        let messages = errors.prefix(5).map { $0["message"]?.string?.printable ?? "no message" }
        let made = (json?["data"]?.object ?? [:]).filter { $0.value != .null }.keys.sorted()
        let partly =
            made.isEmpty
            ? "" : "; the reply has \(made.joined(separator: ", ").printable) too"
        return Failure(
            .refused,
            at: .exchange,
            "\(place) refused: \(messages.joined(separator: "; "))\(partly)",
            hint: made.isEmpty
                ? hint
                : "the change may have been made in spite of the error: see wif-agent provider list"
        )
    }

    private var unexpected: Failure {
        let status = response.status
        let isRefusal = (400..<500).contains(status) && status != 408 && status != 429
        return Failure(
            status == 429 ? .throttled : isRefusal ? .refused : .transient,
            at: .exchange,
            "\(place): status \(status)\(excerpt)",
            hint: hint,
            retryAfter: retryAfter
        )
    }

    private var hint: String? {
        switch response.status {
        case 401: "the API token is unknown or has expired, or the clock is wrong"
        case 403: "identity providers are managed with a token of the role Owner"
        case 404: "is this the GraphQL endpoint? --endpoint names another"
        default: nil
        }
    }
}
