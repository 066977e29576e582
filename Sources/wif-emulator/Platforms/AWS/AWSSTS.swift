import AWSSignature
import Crypto
import Federation
import FoundationEssentials
import Kernel
import Serving
import Text

/// A refusal of AWS's token service.
struct STSError: Error, Equatable {
    let status: Int
    let code: String
    let message: String

    init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }
}

/// AWS's token service (STS), which recomputes every signature.
struct AWSSTS: Role {
    let world: World

    init(world: World) {
        self.world = world
        world.note(world.sts.account.userKey, from: .awsSTS)
    }

    var environment: [Variable] {
        let endpoint = [Variable("AWS_ENDPOINT_URL_STS", world.url(of: .awsSTS))]
        let key = world.sts.account.userKey
        switch world.options.awsCredentials {
        case .metadata: return endpoint
        case .container: return endpoint + [Variable("AWS_REGION", world.options.awsRegion)]
        case .environment:
            return endpoint + [
                Variable("AWS_REGION", world.options.awsRegion),
                Variable("AWS_ACCESS_KEY_ID", key.id),
                Variable("AWS_SECRET_ACCESS_KEY", key.secret.text),
            ]
        }
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path == "/" && (request.method == "POST" || request.query["Action"] != nil)
    }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        let call = AWSRequest(
            method: request.method,
            host: (request.header("host") ?? "").lowercased(),
            query: request.query,
            headers: request.headers,
            body: request.body
        )
        do throws(STSError) {
            return try world.sts.answer(call, in: world)
        } catch {
            return .xml(
                error.status,
                "<ErrorResponse xmlns=\"\(STSCalls.namespace)\"><Error><Type>Sender</Type><Code>"
                    + "\(error.code)</Code><Message>\(escaped(error.message))</Message></Error>"
                    + "<RequestId>\(STSCalls.requestID)</RequestId></ErrorResponse>"
            )
        }
    }
}

/// The calls of the token service, for those who send them and for Mondoo, who sends what it is given.
struct STSCalls: Sendable {
    static let namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
    static let requestID = "00000000-0000-0000-0000-000000000000"

    /// A signed call.
    private struct Call {
        let request: AWSRequest
        /// Of its query and its form.
        let fields: [HTTPField]
        let world: World
    }

    let account = AWSAccount()

    /// Whose signature a `GetCallerIdentity` request bears.
    func callerIdentity(
        _ request: AWSRequest,
        in world: World
    ) throws(STSError) -> AWSAccount.Caller {
        try account.caller(of: request, at: world.clock.now)
    }

    func answer(_ request: AWSRequest, in world: World) throws(STSError) -> HTTPServerResponse {
        let form = formFields(String(decoding: request.body, as: UTF8.self)) ?? []
        let fields = request.query + form
        guard fields["Version"] == "2011-06-15" else {
            throw STSError(400, "InvalidAction", "Could not find the operation for the version.")
        }
        let action = fields["Action"] ?? ""
        let call = Call(request: request, fields: fields, world: world)
        let result: String
        switch action {
        case "GetCallerIdentity": result = identity(try callerIdentity(request, in: world))
        case "AssumeRole": result = try assumeRole(call)
        case "AssumeRoleWithWebIdentity": result = try assumeRole(withToken: fields, world)
        case "GetWebIdentityToken": result = try webIdentityToken(call)
        default: throw STSError(400, "InvalidAction", "Could not find the operation.")
        }
        return .xml(
            200,
            "<\(action)Response xmlns=\"\(Self.namespace)\">\n  <\(action)Result>\n\(result)"
                + "  </\(action)Result>\n  <ResponseMetadata><RequestId>\(Self.requestID)</RequestId>"
                + "</ResponseMetadata>\n</\(action)Response>\n"
        )
    }

    private func identity(_ caller: AWSAccount.Caller) -> String {
        "<Arn>\(escaped(caller.arn))</Arn><UserId>\(escaped(caller.userID))</UserId>"
            + "<Account>\(AWSAccount.number)</Account>\n"
    }

    private func assumeRole(_ call: Call) throws(STSError) -> String {
        let (fields, world) = (call.fields, call.world)
        let caller = try callerIdentity(call.request, in: world)
        let (role, name) = try session(fields)
        // A role whose name begins so wants to be told the account of the third party.
        if role.hasPrefix("external"), fields["ExternalId"] != "demo" {
            throw STSError(403, "AccessDenied", "\(caller.arn) is not authorized: sts:AssumeRole")
        }
        let limit: Int64 = caller.role == nil ? 43_200 : 3600
        return credentials(role, name, try lifetime(fields, 900...limit, or: 3600), world)
    }

    private func assumeRole(
        withToken fields: [HTTPField],
        _ world: World
    ) throws(STSError) -> String {
        let (role, name) = try session(fields)
        let text = fields["WebIdentityToken"] ?? ""
        guard let claims = TokenClaims(decoding: Secret(text)),
            let issuer = world.issuers.first(where: { $0.url == claims.issuer }),
            issuer.hasSigned(text), claims.audiences.contains("sts.amazonaws.com")
        else { throw STSError(400, "InvalidIdentityToken", "The token could not be validated.") }
        guard let expiry = claims.expiresAt, expiry > world.clock.now.secondsSinceEpoch else {
            throw STSError(400, "ExpiredTokenException", "Token expired")
        }
        return credentials(role, name, try lifetime(fields, 900...43_200, or: 3600), world)
    }

    private func webIdentityToken(_ call: Call) throws(STSError) -> String {
        let (fields, world) = (call.fields, call.world)
        let caller = try callerIdentity(call.request, in: world)
        guard call.request.host != "sts.amazonaws.com" else {
            throw STSError(400, "InvalidAction", "The global endpoint has no such operation.")
        }
        let audiences = (1...10).compactMap { fields["Audience.member.\($0)"] }
        guard let first = audiences.first else {
            throw STSError(400, "ValidationError", "Audience is required.")
        }
        // The real one signs with ES384 too.
        guard fields["SigningAlgorithm"] == "RS256" else {
            throw STSError(400, "ValidationError", "SigningAlgorithm must be RS256 here.")
        }
        let seconds = try lifetime(fields, 60...3600, or: 300)
        let now = world.clock.seconds
        if let expiry = caller.expiry, Double(now + seconds) > expiry {
            throw STSError(403, "SessionDurationEscalationException", "The session ends earlier.")
        }
        var claims = world.claims(of: .aws)
        let arn = caller.role.map { "arn:aws:iam::\(AWSAccount.number):role/\($0)" } ?? caller.arn
        claims["sub"] = claims["sub"] ?? .string(arn)
        claims["aud"] = audiences.count == 1 ? .string(first) : .array(audiences.map(JSON.string))
        claims["iat"] = .integer(now)
        claims["exp"] = .integer(now + seconds)
        claims["jti"] = .string(randomHex(bytes: 16))
        let token: String
        do throws(CryptoError) {
            token = try world.token(of: .aws, from: .awsSTS, claims: claims)
        } catch {
            throw STSError(500, "InternalFailure", "\(error)")
        }
        let end = rfc3339(WallTime(secondsSinceEpoch: Double(now + seconds)))
        return "<WebIdentityToken>\(token)</WebIdentityToken><Expiration>\(end)</Expiration>\n"
    }

    /// The role and the session's name that are asked for.
    private func session(_ fields: [HTTPField]) throws(STSError) -> (role: String, name: String) {
        let name = fields["RoleSessionName"] ?? ""
        let isName = name.isAlphanumeric(or: "_+=,.@-")
        guard isName, (2...64).contains(name.count) else {
            throw STSError(400, "ValidationError", "roleSessionName does not satisfy its pattern.")
        }
        let prefix = "arn:aws:iam::\(AWSAccount.number):role/"
        let arn = fields["RoleArn"] ?? ""
        guard arn.hasPrefix(prefix), let role = arn.split(separator: "/").last else {
            throw STSError(403, "AccessDenied", "Not authorized to perform sts:AssumeRole")
        }
        return (String(role), name)
    }

    private func lifetime(
        _ fields: [HTTPField],
        _ range: ClosedRange<Int64>,
        or usual: Int64
    ) throws(STSError) -> Int64 {
        guard let text = fields["DurationSeconds"] else { return usual }
        guard let seconds = Int64(text), range.contains(seconds) else {
            throw STSError(400, "ValidationError", "DurationSeconds is out of range.")
        }
        return seconds
    }

    private func credentials(
        _ role: String,
        _ name: String,
        _ lifetime: Int64,
        _ world: World
    ) -> String {
        let end = Double(world.clock.seconds + lifetime)
        let (key, caller) = account.session(of: role, named: name, until: end)
        world.note(key, from: .awsSTS)
        return """
            <AssumedRoleUser><Arn>\(escaped(caller.arn))</Arn></AssumedRoleUser>
            <Credentials>
              <AccessKeyId>\(key.id)</AccessKeyId>
              <SecretAccessKey>\(key.secret.text)</SecretAccessKey>
              <SessionToken>\(key.sessionToken?.text ?? "")</SessionToken>
              <Expiration>\(rfc3339(WallTime(secondsSinceEpoch: end)))</Expiration>
            </Credentials>

            """
    }
}

extension World {
    /// Notes a key as handed out.
    func note(_ key: AWSKey, from role: RoleName) {
        note("secret-access-key", from: role.rawValue, key.secret.text)
        if let token = key.sessionToken {
            note("session-token", from: role.rawValue, token.text)
        }
    }
}

extension HTTPServerResponse {
    fileprivate static func xml(_ status: Int, _ text: String) -> HTTPServerResponse {
        HTTPServerResponse(status: status, text: text, type: "text/xml")
    }
}

private func escaped(_ text: String) -> String {
    text.map { ["<": "&lt;", ">": "&gt;", "&": "&amp;"][$0] ?? String($0) }.joined()
}
