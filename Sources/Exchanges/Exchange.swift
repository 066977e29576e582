package import Federation
package import HTTP
internal import Kernel
internal import Text

/// What came of an exchange.
package struct Exchange: Sendable {
    package let outcome: Result<Credential, Failure>
    /// Seconds by which the local wall clock is ahead of the service's; `nil` where no reply told.
    package let clockSkew: Double?
    /// What should be told of the reply; ready to print.
    var notes: [String] = []

    /// Seconds of skew from which on it is worth a warning.
    private static let notableSkew = 60.0

    /// Ready to print.
    package var warnings: [String] {
        guard let clockSkew, abs(clockSkew) > Self.notableSkew else { return notes }
        let direction = clockSkew > 0 ? "ahead of" : "behind"
        return notes + [
            "this machine's clock is \(Int(abs(clockSkew))) s \(direction) the service's"
        ]
    }
}

extension ExchangeContext {
    /// Exchanges the token at the account's service. Sent once: retrying is the requester's affair.
    ///
    /// The failure is `refused` where the service judged the proof, `misconfigured` where the account or
    /// a file it names is wrong, else `transient` or `throttled`. `findings` are what ``findings(of:for:at:)``
    /// said; a refusal names them as the likely reason.
    package func exchange(
        _ token: SubjectToken,
        for account: Account,
        findings: [Finding]
    ) async -> Exchange {
        let exchange =
            switch account.service {
            case .mondoo(let service):
                await Mondoo(service: service, account: account, context: self)
                    .exchange(token, findings)
            case .tokenExchange(let service):
                await TokenExchange(service: service, account: account, context: self)
                    .exchange(token, findings)
            case .aws(let role):
                await AssumedRole(role: role, account: account, context: self)
                    .exchange(token, findings)
            case .token: passedOn(token, for: account)
            }
        return exchange.alive(at: timekeeper.now, of: account.service.name)
    }
}

extension Exchange {
    /// A failure in place of a credential that had expired before its reply was complete.
    fileprivate func alive(at now: BootInstant, of service: String) -> Exchange {
        guard case .success(let credential) = outcome, credential.expiry <= now else { return self }
        let duration = Int(now.seconds(since: credential.receivedAt).rounded(.up))
        let lifetime = Int(credential.lifetime.rounded(.up))
        let failure = Failure(
            .transient,
            at: .reply,
            "\(service): the credential lives \(lifetime) s, and its reply took \(duration) s: it has"
                + " expired already",
            hint: "is the way to the service slow, or something on it?"
        )
        return Exchange(outcome: .failure(failure), clockSkew: clockSkew, notes: notes)
    }
}

extension ExchangeContext {
    /// A refusal together with what is known of the token.
    func explained(_ failure: Failure, _ token: SubjectToken, _ findings: [Finding]) -> Failure {
        guard failure.class == .refused else { return failure }
        var failure = failure
        let likely = findings.map { "likely because the token \($0.text)" }
        let claims = "the token: \(token.claimsForMessage(at: timekeeper.wallClock))"
        failure.message = ([failure.message] + likely + [claims]).joined(separator: "; ")
        return failure
    }
}

extension ExchangeContext {
    /// Seconds for the one request of an exchange.
    private static let requestLimit = 30.0

    /// Sends an exchange request to the service and times its reply.
    func send(_ request: HTTPRequest, to service: String) async throws(Failure) -> Reply {
        let start = timekeeper.now
        let limit = start.advanced(bySeconds: Self.requestLimit)
        do throws(HTTPError) {
            let response = try await transport.send(request, deadline: min(limit, deadline))
            let duration = timekeeper.now.seconds(since: start)
            return Reply(response, requestedAt: start, duration: duration, timekeeper.wallClock)
        } catch {
            throw Failure(error, service: service)
        }
    }

    /// By which way an account's exchange goes: the account's own proxy, the service's variable, the
    /// general one. Only the last has exceptions (`NO_PROXY`). Plain http, which is for this machine
    /// alone, goes by none: a proxy would read the token.
    func route(
        for account: Account,
        to endpoint: Endpoint,
        serviceVariable: String?
    ) -> HTTPRequest.Route {
        guard let proxy = proxy(for: account, to: endpoint, serviceVariable: serviceVariable)
        else { return .direct }
        return .proxied(proxy.settings)
    }

    /// The proxy on that way, and what names it; `nil` where there is none.
    package func proxy(
        for account: Account,
        to endpoint: Endpoint,
        serviceVariable: String?
    ) -> (settings: ProxySettings, origin: String)? {
        guard endpoint.isSecure else { return nil }
        if let proxy = account.proxy {
            return (ProxySettings(url: proxy.url), "the account file's proxy")
        }
        if let name = serviceVariable, let proxy = variable(name) {
            return (ProxySettings(url: proxy), name)
        }
        return ProxySettings.general(variable).map { ($0.settings, $0.variable) }
    }

    private static let caFileHint =
        "caFile names a PEM file of the authorities' certificates, which the worker can read"

    /// Whose certificates count: those of the account's file, else of the environment's settings.
    package func trust(for account: Account) throws(Failure) -> HTTPRequest.Trust {
        guard let path = account.caFile else {
            return .system(file: variable("SSL_CERT_FILE"), directory: variable("SSL_CERT_DIR"))
        }
        let content: String
        do throws(ReadFileError) {
            content = try readFile(path, limit: 16 << 20).text
        } catch {
            throw Failure(
                .misconfigured,
                at: .account,
                "caFile \(path.printable) \(error)",
                hint: Self.caFileHint
            )
        }
        guard content.contains("-----BEGIN"), content.contains("CERTIFICATE-----") else {
            let found = content.contains(" KEY-----") ? ", but a key" : ""
            throw Failure(
                .misconfigured,
                at: .account,
                "caFile \(path.printable) holds no PEM certificate\(found)",
                hint: content.hasPrefix("0")
                    ? "it may be DER: openssl x509 -inform DER -in FILE -out ca.pem makes PEM of it"
                    : Self.caFileHint
            )
        }
        return .file(path)
    }
}

/// A service's reply, and when it was asked for by both clocks.
struct Reply {
    let response: HTTPResponse
    /// When the request was sent. Lifetimes count from here: a reply may take long to come, and what it
    /// says of times was true before that.
    let requestedAt: BootInstant
    /// The service's clock; the local one where it does not tell.
    let serverTime: WallTime
    let clockSkew: Double?

    /// - Parameters:
    ///   - duration: seconds from sending the request to the end of the reply.
    ///   - wallClock: the local clock now.
    init(
        _ response: HTTPResponse,
        requestedAt: BootInstant,
        duration: Double,
        _ wallClock: WallTime
    ) {
        self.response = response
        self.requestedAt = requestedAt
        guard let date = response.date else {
            (serverTime, clockSkew) = (wallClock.advanced(bySeconds: -duration), nil)
            return
        }
        // `Date` is in whole seconds, cut off. Where the local clock agrees with it as far as can be told,
        // that knows the fraction, which counts with lifetimes of seconds.
        let sent = wallClock.advanced(bySeconds: -duration).seconds(since: date)
        let agrees = (-1.0..<1).contains(sent)
        serverTime = agrees ? date.advanced(bySeconds: max(0, sent)) : date
        // What the reply spent on its way is no difference of the clocks.
        let skew = wallClock.seconds(since: date)
        clockSkew = skew > 0 ? max(0, skew - duration) : skew
    }

    /// Whether it is meant for people's eyes, as a proxy's is.
    var isPage: Bool { response.header("content-type")?.hasPrefix("text/html") == true }

    /// The body for a message: cut, cleaned, and left out where it may hold a token or key.
    var excerpt: String {
        let text = String(decoding: response.body.bytes.prefix(2048), as: UTF8.self).trimmed
        if text.isEmpty { return "an empty body" }
        let marks = ["eyJ", "base64_credential", "access_token", "accessToken", "id_token"]
        // A success may be somebody's token, whatever it looks like.
        let isReward = (200..<300).contains(response.status)
        let isSecret = isReward || marks.contains(where: text.contains)
        return isSecret ? "a body that is not shown" : text.printable
    }
}

extension Failure {
    /// An exchange without a reply.
    init(_ error: HTTPError, service: String) {
        let `class`: Class =
            switch error.kind {
            case .trustStore, .invalidRequest: .misconfigured
            case .unresolved, .unreachable, .timedOut, .tls, .proxy, .tooLarge, .malformed,
                .interrupted, .cancelled, .setup:
                .transient
            }
        let step: Step = error.kind == .tooLarge || error.kind == .malformed ? .reply : .exchange
        self.init(`class`, at: step, "\(service): \(error.description)", hint: error.hint)
    }
}
