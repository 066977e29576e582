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
            if failure.class == .refused {
                failure.hint =
                    findings.compactMap { $0.hint }.first ?? hint(answer, token) ?? failure.hint
            }
            throw context.explained(failure, token, findings)
        }
        do throws(ReplyError) {
            return try Self.credential(in: reply)
        } catch {
            throw Failure(
                .transient,
                at: .reply,
                "\(account.place): \(error.reason)",
                hint: "does another server answer instead of AWS's token service?"
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

    /// What to change, by AWS's own list of errors of this call.
    private func hint(_ answer: Answer, _ token: SubjectToken) -> String? {
        switch answer.error?.code {
        case "AccessDenied":
            "does the role exist, and does its trust policy allow sts:AssumeRoleWithWebIdentity to the"
                + " token's sub and aud?"
        case "InvalidIdentityToken" where answer.words.contains("audience"):
            "the identity provider in IAM does not list the audience"
                + " \(token.claims?.audiences.first?.printable ?? "none"): add it there"
                + " (sts.amazonaws.com is usual), or set tokenAudience to one that it lists"
        case "InvalidIdentityToken" where answer.words.contains("retrieve"):
            "AWS must be able to fetch the issuer's keys from the internet:"
                + " \(token.claims?.issuer?.printable ?? "none")/.well-known/openid-configuration"
        case "InvalidIdentityToken":
            "is \(token.claims?.issuer?.printable ?? "none") an identity provider of the role's account,"
                + " with the audience \(token.claims?.audiences.first?.printable ?? "none")?"
        case "ExpiredTokenException":
            "use a source that gives a new token each time, and check this machine's clock"
        case "ValidationError" where answer.words.contains("arn"):
            "is roleArn right? it is \(role.arn.printable), and arn:aws:iam::ACCOUNT:role/NAME is expected"
        case "ValidationError":
            "leave durationSeconds out, or write a smaller one: it may be over the role's maximum session duration"
        case "RegionDisabledException":
            "the token service is not active in this region for the account; set region to another"
        case "InvalidAction": "is region right? this is not AWS's token service"
        default: nil
        }
    }
}
