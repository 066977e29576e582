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
        let issuer = token.claims?.issuer?.printable ?? "none"
        let audience = token.claims?.audiences.first?.printable ?? "none"
        switch answer.error?.code {
        case "AccessDenied": return policyHint(token)
        case "InvalidIdentityToken" where answer.words.contains("audience"):
            return
                "the identity provider in IAM does not list the audience \(audience): add it there"
                + " (sts.amazonaws.com is usual), or set tokenAudience to one that it lists"
        case "InvalidIdentityToken" where answer.words.contains("retrieve"):
            return IssuerPlace(token.claims?.issuer ?? "").advice(for: "AWS")
        case "InvalidIdentityToken" where answer.words.contains("no openidconnect provider"):
            return
                "the account \(role.account) has no identity provider for \(issuer): create it there, aws iam"
                + " create-open-id-connect-provider --url \(issuer) --client-id-list \(audience); or write in roleArn"
                + " a role of the account that has it"
        case "InvalidIdentityToken" where audience != AWSRole.usualAudience:
            return
                "the token's audience is \(audience), and AWS's identity providers have"
                + " \(AWSRole.usualAudience) as a rule: leave audience and tokenAudience out, so that this is asked"
                + " for; or add \(audience) to the provider (aws iam add-client-id-to-open-id-connect-provider)."
                + " If it is there: the account \(role.account) must have a provider for \(issuer)"
        case "InvalidIdentityToken":
            return
                "compare IAM's identity providers of the account \(role.account) with the token (aws iam"
                + " list-open-id-connect-providers): one must have the URL \(issuer) and the audience \(audience)"
        default: return otherHint(answer)
        }
    }

    /// Which trust policy the role must have.
    private func policyHint(_ token: SubjectToken) -> String {
        let issuer = token.claims?.issuer?.printable ?? "none"
        let host = issuer.withoutScheme
        let name = role.arn.split(separator: "/").last.map { String($0).printable } ?? "NAME"
        return
            "compare the role's trust policy with the token (aws iam get-role --role-name \(name)): it must allow"
            + " sts:AssumeRoleWithWebIdentity to the identity provider \(host) under conditions that hold:"
            + " \(host):sub is \(token.claims?.subject?.printable ?? "none") and \(host):aud is"
            + " \(token.claims?.audiences.first?.printable ?? "none"). A role that does not exist is answered in the"
            + " same way: aws iam get-role tells, else correct roleArn"
    }

    private func otherHint(_ answer: Answer) -> String? {
        switch answer.error?.code {
        case "ExpiredTokenException":
            "use a source that gives a new token each time, and check this machine's clock"
        case "ValidationError" where answer.words.contains("arn"):
            "correct roleArn: it is \(role.arn.printable), and arn:aws:iam::ACCOUNT:role/NAME is expected (aws iam list-roles"
                + " shows those of an account)"
        case "ValidationError":
            "leave durationSeconds out, or write a smaller one: it may be over the role's maximum session duration"
        case "RegionDisabledException":
            "the token service is not active in this region for the account: write another in region, such as us-east-1; or"
                + " enable this one (Account > AWS Regions in the console)"
        case "InvalidAction":
            "this is not AWS's token service: correct region, or unset AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL"
        default: nil
        }
    }
}
