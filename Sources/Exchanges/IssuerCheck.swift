internal import Crypto
package import Federation
internal import HTTP
internal import Platform

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
            return names.map { .skipped($0, "the token is no JWT") }
        }
        guard let issuer = claims.issuer else {
            return [.failed(.discovery, .refused, "the token has no iss")]
                + names.dropFirst().map { .skipped($0, "no issuer") }
        }
        if let platform = knownPlatform(issuer) {
            return names.map { .skipped($0, "\(platform)'s issuer, which services know") }
        }
        let check = IssuerCheck(issuer: issuer, account: account, context: self)
        let (reports, keysURL) = await check.discovery()
        guard let keysURL else {
            return reports + names.dropFirst().map { .skipped($0, "no discovery document") }
        }
        return reports + (await check.keys(at: keysURL, for: token, claims))
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
        "the service must reach the issuer from the internet: is it public, and is iss right?"

    private struct Problem: Error {
        let text: String
        let hint: String
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
            try checkFields(of: document)
            let keysURL = try self.endpoint(document["jwks_uri"]?.string ?? "", named: "jwks_uri")
            reports.append(.ok(.discovery, "all that are required", about: "fields"))
            return (reports, keysURL)
        } catch {
            let about = reports.isEmpty ? "https" : "fields"
            return (reports + [failed(.discovery, error, about)], nil)
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
                hint: "services fetch an issuer's documents over https alone"
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
            hint: "services fetch an issuer's documents over https alone",
            about: "https"
        )
    }

    private func checkFields(of document: JSON) throws(Problem) {
        let missing = Self.required.filter { document[$0] == nil || document[$0] == .null }
        guard missing.isEmpty else {
            throw Problem(
                text: "the discovery document lacks \(missing.joined(separator: ", "))",
                hint: "have the issuer publish all of \(Self.required.joined(separator: ", "))"
            )
        }
        let found = document["issuer"]?.string ?? "none"
        guard !found.utf8.elementsEqual(issuer.utf8) else { return }
        throw Problem(
            text: "the discovery document names the issuer \(found.printable), and the token's iss"
                + " is \(issuer.printable)",
            hint: "both must be equal, to the last slash: configure the issuer with one URL"
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
                hint: "does another server answer in the issuer's place?"
            )
        }
        throw Problem(text: "\(url.printable) is no JSON object", hint: Self.reach)
    }

    private func fetch(_ url: String) async throws(Problem) -> HTTPResponse {
        let endpoint = try endpoint(url, named: "the document's URL")
        let request = HTTPRequest(
            "GET",
            endpoint.url,
            headers: [HTTPHeader("Accept", "application/json")],
            route: context.proxy(for: account, to: endpoint, serviceVariable: nil)
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
            throw Problem(text: error.description, hint: error.hint ?? Self.reach)
        }
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
                    text: "\(url.url.printable) has no array \"keys\"",
                    hint: "jwks_uri must lead to a JSON Web Key Set (RFC 7517)"
                )
            }
            reports.append(.ok(.keys, "\(keys.count) at \(url.description)", about: "reachable"))
            let (usable, found) = try usableKeys(for: claims, among: keys)
            reports.append(.ok(.keys, found, about: "the token's"))
            return reports + [signature(of: token, by: usable)]
        } catch {
            let about = reports.isEmpty ? "reachable" : "the token's"
            return reports + [failed(.keys, error, about), .skipped(.signature, "no key")]
        }
    }

    /// Those that the token may be signed with: the one it names, or any where it names none.
    private func usableKeys(
        for claims: TokenClaims,
        among keys: [JSON]
    ) throws(Problem) -> ([PublicKey], String) {
        let wanted = claims.header["kid"]?.string
        let name = wanted.map { "the key \"\($0.printable)\"" } ?? "a key"
        var usable: [PublicKey] = []
        var reason: String?
        for key in keys where wanted == nil || key["kid"]?.string == wanted {
            do throws(CryptoError) {
                usable.append(
                    try PublicKey(jwk: (key.object ?? [:]).compactMapValues(\.string))
                )
            } catch {
                reason = "\(error)"
            }
        }
        if !usable.isEmpty { return (usable, "\(name) is published") }
        if let reason {
            throw Problem(
                text: "\(name) is published, and cannot be used: \(reason.printable)",
                hint: "sign with RS256, ES256, ES384 or EdDSA, which services verify"
            )
        }
        let known = keys.compactMap { $0["kid"]?.string?.printable }.joined(separator: ", ")
        throw Problem(
            text: "\(name), with which the token is signed, is not among the issuer's"
                + " \(keys.count): \(known)",
            hint: "publish the key before signing with it; or the token is another issuer's"
        )
    }

    private func signature(of token: SubjectToken, by keys: [PublicKey]) -> StepReport {
        if keys.contains(where: { $0.verifyJWS(token.value.text) }) {
            return .ok(.signature, "verified with the issuer's key, as a service does")
        }
        return .failed(
            .signature,
            .refused,
            "the token's signature does not verify with the issuer's key",
            hint: "the issuer signs with another key under the same kid, or the token was changed"
        )
    }
}
