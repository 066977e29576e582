package import Federation
package import HTTP
import Kernel
import Text

/// What came of an exchange.
package struct Exchange: Sendable {
    package let outcome: Result<Credential, Failure>
    /// Seconds by which the local wall clock is ahead of the service's; `nil` where no reply told.
    package let clockSkew: Double?
    /// What should be told of the reply; ready to print.
    var notes: [String] = []

    /// Ready to print.
    package var warnings: [String] {
        guard let clockSkew, abs(clockSkew) > ClockTolerance.seconds else { return notes }
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
    ///
    /// - Parameter actor: the token of who acts, for a service that takes one.
    package func exchange(
        _ token: SubjectToken,
        actor: SubjectToken? = nil,
        for account: Account,
        findings: [Finding]
    ) async -> Exchange {
        let exchange =
            switch account.service {
            case .mondoo(let service):
                await exchange(
                    token,
                    findings,
                    by: Mondoo(service: service, account: account, context: self)
                )
            case .tokenExchange(let service):
                await exchange(
                    token,
                    findings,
                    by: TokenExchange(
                        service: service,
                        account: account,
                        context: self,
                        actor: actor
                    )
                )
            case .aws(let role):
                await exchange(
                    token,
                    findings,
                    by: AssumedRole(role: role, account: account, context: self)
                )
            case .token: passedOn(token, for: account)
            }
        return exchange.alive(at: timekeeper.now, of: account.service.name)
    }
}

/// How one kind of service takes a token: the request, and what its reply means.
protocol ExchangeProtocol: Sendable {
    var account: Account { get }

    func request(_ token: SubjectToken) throws(Failure) -> HTTPRequest

    /// The credential that a reply means, and what should be told of it.
    func credential(
        in reply: Reply,
        for token: SubjectToken,
        _ findings: [Finding]
    ) async throws(Failure) -> (credential: Credential, notes: [String])
}

extension ExchangeContext {
    private func exchange(
        _ token: SubjectToken,
        _ findings: [Finding],
        by service: some ExchangeProtocol
    ) async -> Exchange {
        var clockSkew: Double?
        do throws(Failure) {
            let reply = try await send(try service.request(token), to: service.account.place)
            clockSkew = reply.clockSkew
            let found = try await service.credential(
                in: reply,
                for: token,
                findings.knowing(clockSkew: clockSkew)
            )
            return Exchange(
                outcome: .success(found.credential),
                clockSkew: clockSkew,
                notes: found.notes
            )
        } catch {
            return Exchange(outcome: .failure(error), clockSkew: clockSkew)
        }
    }
}

extension Account {
    /// For messages: which service, and which of its hosts.
    var place: String {
        service.endpoint.map { "\(service.name) at \($0.host)" } ?? service.name
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
            hint:
                "the network or a proxy between here and the service is too slow for so short a lifetime: have the service give a"
                + " longer one"
        )
        return Exchange(outcome: .failure(failure), clockSkew: clockSkew, notes: notes)
    }
}

extension ExchangeContext {
    /// A refusal together with what is known of the token.
    func explained(_ failure: Failure, _ token: SubjectToken, _ findings: [Finding]) -> Failure {
        guard failure.class == .refused else { return failure }
        var failure = failure
        failure.message = explained(failure.message, token, findings)
        return failure
    }

    /// A refusal's message, what was found wrong with the token, what was sent, and what the token says.
    func explained(
        _ message: String,
        _ token: SubjectToken,
        _ findings: [Finding],
        sent: String? = nil
    ) -> String {
        let likely = findings.map { "likely because the token \($0.text)" }
        let claims = "the token: \(token.claimsForMessage(at: timekeeper.wallClock))"
        return ([message] + likely + [sent, claims].compactMap(\.self)).joined(separator: "; ")
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

    /// A request to the account's service, on the way and with the trust that the account asks for.
    ///
    /// - Parameter authorization: a bearer token.
    func request(
        _ url: String,
        method: String = "POST",
        to endpoint: Endpoint,
        for account: Account,
        accepting type: String = "application/json",
        sending content: (type: String, body: Secret)? = nil,
        authorization: Secret? = nil
    ) throws(Failure) -> HTTPRequest {
        var headers = content.map { [HTTPHeader("Content-Type", $0.type)] } ?? []
        headers.append(HTTPHeader("Accept", type))
        if let token = authorization {
            headers.append(HTTPHeader("Authorization", value: Secret("Bearer \(token.text)")))
        }
        return HTTPRequest(
            method,
            url,
            headers: headers,
            body: content?.body,
            route: proxy(for: account, to: endpoint).map { .proxied($0.settings) } ?? .direct,
            trust: try trust(for: account)
        )
    }

    /// The proxy by which an account's requests go, and what names it; `nil` where there is none: the
    /// account's own, the service's variable, the general one. Only the last has exceptions (`NO_PROXY`).
    /// Plain http, which is for this machine alone, goes by none: a proxy would read the token.
    ///
    /// - Parameter isService: whether it is the service that is asked, and not the token's issuer.
    package func proxy(
        for account: Account,
        to endpoint: Endpoint,
        isService: Bool = true
    ) -> (settings: ProxySettings, origin: String)? {
        guard endpoint.isSecure else { return nil }
        if let proxy = account.proxy {
            return (ProxySettings(url: proxy.url), "the account file's proxy")
        }
        let own = isService ? account.service.kind.facts.proxyVariable : nil
        if let name = own, let proxy = variable(name) {
            return (ProxySettings(url: proxy), name)
        }
        return ProxySettings.general(variable).map { ($0.settings, $0.variable) }
    }

    private static let caFileHint =
        "caFile names a PEM file of the authorities' certificates, which the worker can read"

    /// Whose certificates count: those of the account's file, else of the environment's settings.
    package func trust(for account: Account) throws(Failure) -> HTTPRequest.Trust {
        guard let path = account.caFile else {
            return trust
        }
        let content: String
        do throws(ReadFileError) {
            content = try readFile(path, limit: 16 << 20).text
        } catch {
            throw Failure(
                .misconfigured,
                at: .account,
                "caFile \(path.printable) \(error)",
                hint: [error.reason.flatMap { pathAdvice(path, $0)?.printable }, Self.caFileHint]
                    .compactMap(\.self).joined(separator: "; ")
            )
        }
        guard content.contains("-----BEGIN"), content.contains("CERTIFICATE-----") else {
            let found = content.contains(" KEY-----") ? ", but a key" : ""
            throw Failure(
                .misconfigured,
                at: .account,
                "caFile \(path.printable) holds no PEM certificate\(found)",
                hint: Self.hint(forCertificates: content)
            )
        }
        return .file(path)
    }

    /// What to do about a file that holds no certificate in PEM.
    private static func hint(forCertificates content: String) -> String {
        if content.contains(" KEY-----") {
            return
                "name the file with the authority's certificate, which begins with -----BEGIN CERTIFICATE-----;"
                + " no key is needed"
        }
        if content.isEmpty {
            return "the file is empty: write the authority's certificate into it, in PEM"
        }
        return content.hasPrefix("0")
            ? "it may be DER: openssl x509 -inform DER -in FILE -out ca.pem makes PEM of it"
            : caFileHint
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
    var isPage: Bool {
        if response.header("content-type")?.hasPrefix("text/html") == true { return true }
        let start = String(decoding: response.body.bytes.prefix(64), as: UTF8.self).trimmed
            .lowercased()
        return start.hasPrefix("<html") || start.hasPrefix("<!doctype html")
    }

    /// What to do about such a page.
    static let pageHint =
        "a web page answers in the service's place: the login of this network (a captive portal), or a proxy or"
        + " firewall; curl -v to the address above shows it, and whoever runs that network must let this machine"
        + " through"

    /// Where a redirect leads, without its query; begins with a blank, or is empty.
    var target: String {
        response.redirectTarget.map { " to \($0.printable)" } ?? ""
    }

    /// What to do where a redirect leads to another domain than the service's; `nil` for any other reply.
    ///
    /// - Parameter key: of the account file, which has the service's address.
    func gatewayHint(of host: String, _ key: String) -> String? {
        guard (300..<400).contains(response.status), let target = response.redirectTarget,
            let mark = target.firstRange(of: "://")
        else { return nil }
        let other = target[mark.upperBound...].prefix { !"/:#".contains($0) }.lowercased()
        let domain = { (name: String) in name.split(separator: ".").suffix(2).joined(separator: ".")
        }
        guard !other.isEmpty, domain(other) != domain(host.lowercased()) else { return nil }
        return
            "\(host) sends this machine to \(other.printable), which is not the service: a gateway of this network (a"
            + " login page, a captive portal) answers in its place. Log in there, have \(host) exempted for this"
            + " machine, or set HTTPS_PROXY where a proxy is the way out; only if \(other.printable) is the"
            + " service's own address, correct \(key)"
    }

    /// The body for a message.
    var excerpt: String {
        switch response.excerpt {
        case .empty: "an empty body"
        case .hidden: "a body that is not shown"
        case .text(let text): text
        }
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
        self.init(
            `class`,
            at: step,
            "\(service): \(error.description)",
            hint: error.hint ?? Self.wayHint(error.kind)
        )
    }

    /// What to do where the way to a service ends; doctor looks at each part of it.
    private static func wayHint(_ kind: HTTPError.Kind) -> String? {
        let parts = "wif-agent doctor tells which part of the way fails"
        return switch kind {
        case .unresolved:
            "\(parts): the name, this machine's name servers (getent hosts shows whether they answer), or a proxy that must be"
                + " used (HTTPS_PROXY)"
        case .timedOut(let phase) where !phase.isBeforeRequest:
            "the service took the request and did not answer in time; it is asked again. \(parts)"
        case .unreachable, .timedOut:
            "\(parts): the network, a firewall that does not let this machine through, or a proxy that must be used"
                + " (HTTPS_PROXY)"
        case .tls, .interrupted, .malformed:
            "\(parts), and whether a firewall or proxy answers in the service's place"
        case .trustStore, .proxy, .tooLarge, .invalidRequest, .cancelled, .setup: nil
        }
    }
}
