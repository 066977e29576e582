import Crypto
import Exchanges
package import Federation
import HTTP
import Kernel
import Text

extension ExchangeContext {
    /// Does with a token's issuer what a service does: fetches its discovery document and its keys,
    /// and verifies the token with them. The platforms' own issuers, which every service knows, and
    /// tokens that are no JWTs are passed over. OpenID Connect Discovery 1.0, RFC 7517
    package func checkIssuer(
        of token: SubjectToken,
        for account: Account
    ) async -> [StepReport] {
        let names: [StepReport.Name] = [.discovery, .keys, .signature]
        guard let claims = token.claims else {
            return names.map { .skipped($0, "the token is not a JWT") }
        }
        guard let issuer = claims.issuer else {
            return [.failed(.discovery, .refused, "the token has no iss")]
                + names.dropFirst().map { .skipped($0, "no issuer") }
        }
        if let platform = knownPlatform(issuer) {
            return names.map { .skipped($0, "\(platform)'s issuer, which services know") }
        }
        let check = IssuerCheck(issuer: issuer, account: account, context: self)
        if let step = check.outOfReach {
            return [step] + names.dropFirst().map { .skipped($0, "the service gets no keys") }
        }
        let (reports, keysURL) = await check.discovery()
        guard let keysURL else {
            return reports + names.dropFirst().map { .skipped($0, "no discovery document") }
        }
        return reports + (await check.keys(at: keysURL, for: token, claims)) + [check.fromOutside]
    }
}

/// Whose issuer it is; `nil` for one that a service has to ask.
private func knownPlatform(_ issuer: String) -> String? {
    do throws(EndpointError) {
        return KnownIssuers.owner(ofHost: try Endpoint(issuer).host)
    } catch {
        return nil
    }
}

/// The questions to one issuer.
private struct IssuerCheck {
    let issuer: String
    let account: Account
    let context: ExchangeContext

    /// What a document must have. Mondoo's documentation; OpenID Connect Discovery 1.0 section 3
    private static let required = [
        "issuer", "jwks_uri", "response_types_supported", "subject_types_supported",
        "id_token_signing_alg_values_supported",
    ]
    private static let reach =
        "the service fetches that document and the keys from the internet: publish both there, under a name that"
        + " the internet resolves, and have the issuer put that URL in iss; or name a source whose issuer is public"

    private struct Problem: Error {
        let text: String
        let hint: String
    }

    /// That a service on the internet does not reach the issuer; `nil` for any other.
    var outOfReach: StepReport? {
        let place = IssuerPlace(issuer)
        guard isPublicService, place.isInternal else { return nil }
        let title = account.service.kind.facts.title
        return .failed(
            .discovery,
            .refused,
            place.problem(for: title),
            hint: place.cure(for: title),
            about: "from outside"
        )
    }

    private var isPublicService: Bool {
        account.service.endpoint.map { ServiceName.ownsDomain(of: $0.host) } ?? false
    }

    /// What only the service can find out.
    var fromOutside: StepReport {
        .skipped(
            .discovery,
            "cannot be told here: whether \(account.service.name) reaches the issuer and its"
                + " keys from the internet, too",
            about: "from outside"
        )
    }

    // MARK: Discovery

    /// What there is to say of the document, and where it says that the keys are.
    func discovery() async -> (reports: [StepReport], keysURL: Endpoint?) {
        var reports: [StepReport] = []
        do throws(Problem) {
            let endpoint = try self.endpoint(issuer, named: "the issuer")
            let url = endpoint.url + Self.path
            let document = try await document(at: url)
            reports.append(insecure(endpoint) ?? .ok(.discovery, url, about: "https"))
            reports += try fields(of: document)
            let keysURL = try self.endpoint(document["jwks_uri"]?.string ?? "", named: "jwks_uri")
            guard keysURL.isSecure || !endpoint.isSecure else {
                throw Problem(
                    text: "jwks_uri \(keysURL.description.printable) is http, not https",
                    hint: "services fetch an issuer's keys only over https"
                )
            }
            reports.append(.ok(.discovery, keysURL.description.printable, about: "jwks_uri"))
            return (reports, keysURL)
        } catch {
            let about = ["https", "fields", "issuer", "jwks_uri"]
            return (reports + [failed(.discovery, error, about[min(reports.count, 3)])], nil)
        }
    }

    private func failed(
        _ name: StepReport.Name,
        _ problem: Problem,
        _ about: String
    ) -> StepReport {
        .failed(name, .refused, problem.text, hint: problem.hint, about: about)
    }

    private static let path = "/.well-known/openid-configuration"

    private func endpoint(_ url: String, named name: String) throws(Problem) -> Endpoint {
        do throws(EndpointError) {
            return try Endpoint(url)
        } catch {
            throw Problem(
                text: "\(name) \(url.printable) \(error.reason)",
                hint: "services fetch an issuer's documents only over https"
            )
        }
    }

    /// On this machine http will do to look on, at a service never.
    private func insecure(_ endpoint: Endpoint) -> StepReport? {
        guard !endpoint.isSecure else { return nil }
        return .failed(
            .discovery,
            .refused,
            "the issuer \(endpoint.description.printable) is http, not https",
            hint: "services fetch an issuer's documents only over https",
            about: "https"
        )
    }

    /// All fields that are required, and the issuer's name in one of them.
    private func fields(of document: JSON) throws(Problem) -> [StepReport] {
        let missing = Self.required.filter { document[$0] == nil || document[$0] == .null }
        guard missing.isEmpty else {
            throw Problem(
                text: "the discovery document lacks \(missing.joined(separator: ", "))",
                hint: "have the issuer publish all of \(Self.required.joined(separator: ", "))"
            )
        }
        let found = document["issuer"]?.string ?? "none"
        let all = StepReport.ok(.discovery, "all that are required", about: "fields")
        guard !found.utf8.elementsEqual(issuer.utf8) else {
            return [all, .ok(.discovery, found.printable, about: "issuer")]
        }
        throw Problem(
            text: "the discovery document names the issuer \(found.printable), and the token's iss"
                + " is \(issuer.printable)",
            hint:
                "both must be equal, the slash at the end included: configure the issuer with one URL"
        )
    }

    private func document(at url: String) async throws(Problem) -> JSON {
        let response = try await fetch(url)
        guard response.status == 200 else {
            let redirect = response.header("location").map { " to \($0.printable)" } ?? ""
            throw Problem(
                text: "\(url.printable) answers with status \(response.status)\(redirect)",
                hint: Self.reach
            )
        }
        do throws(JSONError) {
            let json = try JSON(parsing: response.body.bytes)
            if json.object != nil { return json }
        } catch {
            throw Problem(
                text: "\(url.printable) is not JSON: \(error.reason)",
                hint:
                    "another server answers in place of the issuer: see what curl -i says there, and correct the server or the"
                    + " name"
            )
        }
        throw Problem(text: "\(url.printable) is not a JSON object", hint: Self.reach)
    }

    private func fetch(_ url: String) async throws(Problem) -> HTTPResponse {
        let endpoint = try endpoint(url, named: "the document's URL")
        let request = HTTPRequest(
            "GET",
            endpoint.url,
            headers: [HTTPHeader("Accept", "application/json")],
            route: context.proxy(for: account, to: endpoint, isService: false)
                .map { .proxied($0.settings) } ?? .direct,
            trust: .system(
                file: context.variable("SSL_CERT_FILE"),
                directory: context.variable("SSL_CERT_DIR")
            )
        )
        let limit = context.timekeeper.now.advanced(bySeconds: ExchangeContext.probeLimit)
        do throws(HTTPError) {
            let deadline = min(limit, context.deadline)
            return try await context.transport.send(request, deadline: deadline)
        } catch {
            let isOfAuthority = error.kind == .tls(.unknownAuthority) && isPublicService
            throw Problem(
                text: error.description,
                hint: isOfAuthority ? authorityHint(endpoint.host) : error.hint ?? Self.reach
            )
        }
    }

    /// For a certificate that this machine does not trust: what counts is whom the service trusts.
    private func authorityHint(_ host: String) -> String {
        let title = account.service.kind.facts.title
        return
            "\(title) fetches that document from the internet, and trusts public authorities alone: have whoever runs"
            + " \(host) use a certificate of a public authority there, and send its full chain. Only if \(host) has"
            + " one, and a proxy here shows another in its place, add the proxy's authority to this machine's"
    }

    // MARK: Keys

    func keys(
        at url: Endpoint,
        for token: SubjectToken,
        _ claims: TokenClaims
    ) async -> [StepReport] {
        var reports: [StepReport] = []
        do throws(Problem) {
            guard let keys = try await document(at: url.url)["keys"]?.array else {
                throw Problem(
                    text: "\(url.url.printable) lacks the array \"keys\"",
                    hint: "jwks_uri must lead to a JSON Web Key Set (RFC 7517)"
                )
            }
            reports.append(.ok(.keys, "\(keys.count) at \(url.description)", about: "reachable"))
            let choice = try usableKeys(for: claims, among: keys)
            reports.append(choice.report)
            guard !choice.keys.isEmpty else {
                return reports + [unverifiable(choice.reason ?? "no key", claims)]
            }
            return reports + [signature(of: token, by: choice.keys, claims)]
        } catch {
            let about = reports.isEmpty ? "reachable" : "the token's"
            return reports + [failed(.keys, error, about), .skipped(.signature, "no key")]
        }
    }

    /// The keys that the token may be signed with.
    private struct KeyChoice {
        var keys: [PublicKey] = []
        var report: StepReport
        /// Why one that is published cannot be used here, though others may use it.
        var reason: String?
        /// Why one that is published can be used by nobody.
        var fault: String?
    }

    /// The one that the token names, or any where it names none.
    private func usableKeys(
        for claims: TokenClaims,
        among keys: [JSON]
    ) throws(Problem) -> KeyChoice {
        let wanted = claims.header["kid"]?.string
        let name = wanted.map { "the key \"\($0.printable)\"" } ?? "a key"
        var choice = KeyChoice(report: .ok(.keys, "\(name) is published", about: "the token's"))
        for key in keys where wanted == nil || key["kid"]?.string == wanted {
            do throws(CryptoError) {
                choice.keys.append(
                    try PublicKey(jwk: (key.object ?? [:]).compactMapValues(\.string))
                )
            } catch {
                // A kind of key pair that is not known here says nothing of others.
                let isPair = key["kty"]?.string.map { $0 != "oct" } ?? false
                if case .unsupportedKey = error, isPair {
                    choice.reason = "\(error)".printable
                } else {
                    choice.fault = "\(error)".printable
                }
            }
        }
        if choice.keys.isEmpty, choice.reason == nil, let fault = choice.fault {
            throw Problem(
                text: "\(name) is published, and cannot be used: \(fault)",
                hint: "publish the public key as RFC 7517 has it, with kty, kid and its numbers"
            )
        }
        if choice.keys.isEmpty, choice.reason == nil {
            throw Self.unpublished(name, among: keys)
        }
        if wanted == nil, keys.count > 1 {
            choice.report = .warning(
                .keys,
                "the token names no key (kid), and the issuer publishes \(keys.count): whether the"
                    + " service tries them all cannot be told here",
                hint: "have the issuer put kid into the token's header",
                about: "the token's"
            )
        }
        return choice
    }

    private static func unpublished(_ name: String, among keys: [JSON]) -> Problem {
        let nameless = keys.count { $0["kid"]?.string == nil }
        let known =
            keys.compactMap { $0["kid"]?.string?.printable }
            + (nameless > 0 ? ["\(nameless) without a kid"] : [])
        return Problem(
            text: "\(name), with which the token is signed, is not among the issuer's"
                + " \(keys.count): \(known.joined(separator: ", "))",
            hint: nameless > 0
                ? "publish each key with its kid, the one that the header of tokens names"
                : "publish the key before signing with it; or the token is another issuer's"
        )
    }

    /// A key that is published and cannot be used here says nothing of the service.
    private func unverifiable(_ reason: String, _ claims: TokenClaims) -> StepReport {
        .warning(
            .signature,
            "cannot be told here: \(reason); which algorithms \(account.service.name) verifies"
                + " is not on its pages",
            hint: "if the service refuses the token's signature, have the issuer sign with RS256,"
                + " which OpenID Connect requires every service to verify"
        )
    }

    private func signature(
        of token: SubjectToken,
        by keys: [PublicKey],
        _ claims: TokenClaims
    ) -> StepReport {
        let algorithm = claims.header["alg"]?.string?.printable ?? "none"
        if keys.contains(where: { $0.verifyJWS(token.value.text) }) {
            let rest =
                algorithm == "RS256"
                ? ""
                : "; whether \(account.service.name) takes \(algorithm) is not on its pages"
            return .ok(.signature, "verified with the issuer's key, by \(algorithm)\(rest)")
        }
        return .failed(
            .signature,
            .refused,
            "the token's signature does not verify with the issuer's key",
            hint: "the issuer signs with another key under the same kid, or the token was changed"
        )
    }
}
