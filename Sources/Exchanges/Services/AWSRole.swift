import Federation
import HTTP
import Kernel
import Text

/// A role's session for a token: AWS's AssumeRoleWithWebIdentity.
/// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
struct AssumedRole: ExchangeProtocol {
    let role: AWSRole
    let account: Account
    let context: ExchangeContext

    private static let action = "AssumeRoleWithWebIdentity"

    func request(_ token: SubjectToken) throws(Failure) -> HTTPRequest {
        guard token.claims != nil else {
            throw Failure(
                .misconfigured,
                at: .subjectToken,
                "the token of \(token.source) is not a JWT, and AWS assumes a role only with one",
                hint: token.source == "aws"
                    ? "an identity of AWS needs no exchange here; or set the source's token to"
                        + " web-identity" : nil
            )
        }
        var parameters = RequestParameters()
        parameters.add("Action", Self.action)
        parameters.add("Version", "2011-06-15")
        parameters.add("RoleArn", role.arn)
        parameters.add(
            "RoleSessionName",
            role.sessionName ?? "wif-agent-\(account.name.prefix(54))"
        )
        if let duration = role.duration { parameters.add("DurationSeconds", String(duration)) }
        parameters.add("WebIdentityToken", token.value.text)
        return try context.request(
            role.endpoint.url + "/",
            to: role.endpoint,
            for: account,
            accepting: "text/xml",
            sending: parameters.encoded(as: .form)
        )
    }

    func credential(
        in reply: Reply,
        for token: SubjectToken,
        _ findings: [Finding]
    ) throws(Failure) -> (credential: Credential, notes: [String]) {
        let answer = Answer(reply)
        guard reply.response.status == 200, answer.error == nil else {
            var failure = answer.failure(of: account.place, doing: "the role \(role.arn.printable)")
            let refusal = RoleRefusal(
                role: role,
                code: answer.error?.code ?? "",
                words: answer.words,
                claims: token.claims
            )
            let found = failure.class == .refused ? findings.compactMap { $0.hint }.first : nil
            failure.hint = refusal.reason ?? found ?? refusal.guess ?? failure.hint
            failure.namesReason = refusal.reason != nil && !refusal.isOfIssuer
            throw context.explained(failure, token, findings)
        }
        do throws(ReplyError) {
            return try Self.credential(in: reply)
        } catch {
            throw Failure(
                .transient,
                at: .reply,
                "\(account.place): \(error.reason)",
                hint:
                    "another server answers in place of AWS's token service: unset AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_STS, correct"
                    + " region, or have the proxy on the way let this host through"
            )
        }
    }

    private static func credential(
        in reply: Reply
    ) throws(ReplyError) -> (credential: Credential, notes: [String]) {
        let document: XMLElement
        do throws(XMLError) {
            document = try XMLElement(parsing: reply.response.body.bytes)
        } catch {
            throw ReplyError("the reply is not XML: \(error.reason)")
        }
        guard let found = document["\(action)Result", "Credentials"],
            let id = found["AccessKeyId"]?.text, let secret = found["SecretAccessKey"]?.text,
            let token = found["SessionToken"]?.text
        else { throw ReplyError("the reply has no Credentials") }
        guard let expiration = found["Expiration"]?.text, let end = date(rfc3339: expiration) else {
            throw ReplyError("Expiration is not a time")
        }
        let key = AWSSessionKey(id: id, secret: Secret(secret), sessionToken: Secret(token))
        let value = key.document(expiration: rfc3339(end))
        guard AWSSessionKey(document: value) != nil else {
            throw ReplyError("the key holds characters that a key cannot have")
        }
        let rest = end.seconds(since: reply.serverTime)
        let what = "Expiration is \(Int(rest.clamped(to: -1e15...1e15))) s ahead"
        let lifetime = try CheckedLifetime(rest, what)
        let credential = Credential(
            kind: .awsSession,
            value: value,
            issuedAt: reply.serverTime,
            lifetime: lifetime.seconds,
            receivedAt: reply.requestedAt
        )
        return (credential, lifetime.notes)
    }
}
