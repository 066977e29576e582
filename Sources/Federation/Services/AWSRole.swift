package import Kernel
import Text

extension ServiceFacts {
    /// AWS: a role's session for a token of an OIDC issuer (AssumeRoleWithWebIdentity).
    static let aws = ServiceFacts(
        parse: { (values, input) throws(AccountError) in
            ParsedService(service: .aws(try AWSRole(&values, input.variable)))
        },
        ownKeys: ["durationSeconds", "roleArn", "sessionName"],
        title: "AWS",
        defaultVariable: "AWS_SESSION_TOKEN",
        variableNames: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"],
        olderVariables: ["AWS_SECURITY_TOKEN"],
        addressVariables: ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"],
        addressKey: "region",
        domains: [".amazonaws.com"],
        hosts: ["sts.amazonaws.com"],
        documentMembers: [
            "Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration",
        ],
        givesTokens: false
    )
}

/// A role of AWS that is assumed with a subject token, and which token service is asked.
package struct AWSRole: Sendable {
    package let arn: String
    /// Of the session, which AWS's own logs show; without one the account's name tells.
    package let sessionName: String?
    /// Seconds that the session is to last; the role's own limit is AWS's to know.
    package let duration: Int?
    package let endpoint: Endpoint
    /// The audience asked of the token source.
    let wantedAudience: String
    /// What to write for a region that is not known here, and near to one that is; `nil` for any other.
    let regionOddity: String?

    /// The audience that AWS's own tools have OIDC providers expect.
    package static let usualAudience = "sts.amazonaws.com"

    /// The role's account, twelve digits.
    package var account: String {
        let parts = arn.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count > 4 ? String(parts[4]) : ""
    }
}

extension AWSRole {
    /// What the account file leaves out is looked for where AWS's own tools have it: region and endpoint.
    fileprivate init(
        _ values: inout KeyedValues,
        _ variable: (String) -> String?
    ) throws(AccountError) {
        for key in ["tokenUrl", "revokeUrl", "clientId", "scopes", "resource"] {
            guard values.take(key) != nil else { continue }
            throw values.error(key, "means nothing to AWS", hint: "roleArn and region are enough")
        }
        if values.has("variable") {
            throw values.error(
                "variable",
                "is not for AWS, whose programs look for three variables of their own",
                hint: "leave it out: env formats set AWS_ACCESS_KEY_ID and the others"
            )
        }
        _ = values.take("subjectTokenType")
        let role = try values.requiredText(
            "roleArn",
            "the role's ARN (arn:aws:iam::ACCOUNT:role/NAME)"
        )
        guard let partition = Self.partition(ofRole: role) else {
            let objection = RoleName(objectionTo: role)
            throw values.error("roleArn", objection.problem, hint: objection.hint)
        }
        arn = role
        sessionName = try values.text("sessionName")
        if let sessionName, !Self.isSessionName(sessionName) {
            throw values.error(
                "sessionName",
                "\"\(sessionName.printable)\" is not a session name",
                hint:
                    "2 to 64 letters, digits and _+=,.@- are taken, without spaces, colons and slashes: write \"sessionName\":"
                    + " \"\(Self.sessionName(like: sessionName))\""
            )
        }
        duration = try values.number("durationSeconds", in: 900...43_200).map { Int($0) }
        let (key, region) = try Self.region(&values, variable)
        let endpoint = try Self.endpoint(values, region, partition, variable)
        self.endpoint = endpoint
        let isRegions = region.map { endpoint.host.hasPrefix("sts.\($0).") } ?? false
        regionOddity =
            isRegions ? region.flatMap { SecurityTokenHost(region: $0)?.oddity(of: key) } : nil
        wantedAudience = try values.text("audience") ?? Self.usualAudience
    }

    /// The region, and what names it.
    private static func region(
        _ values: inout KeyedValues,
        _ variable: (String) -> String?
    ) throws(AccountError) -> (key: String, region: String?) {
        if let region = try values.text("region") { return ("region in the account file", region) }
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            if let region = variable(name) { return ("the variable \(name)", region) }
        }
        return ("region in the account file", nil)
    }

    private static func endpoint(
        _ values: KeyedValues,
        _ region: String?,
        _ partition: Substring,
        _ variable: (String) -> String?
    ) throws(AccountError) -> Endpoint {
        let isIgnored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?.lowercased() == "true"
        for name in ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"] where !isIgnored {
            guard let url = variable(name) else { continue }
            do throws(EndpointError) {
                return try Endpoint(url)
            } catch {
                throw values.error("region", "\(name) \(error.reason)")
            }
        }
        let own = Self.regions[String(partition)]
        guard let region else {
            guard partition == "aws" else {
                throw values.error(
                    "region",
                    "is missing; the role is of the partition \(String(partition).printable), which has no token service"
                        + " for all regions",
                    hint: "add \"region\": \"\(own?.first ?? "REGION")\""
                        + (own?.dropFirst().first.map { ", or \"\($0)\"" } ?? "")
                )
            }
            return try values.endpoint("region", SecurityTokenHost.global.name)
        }
        let other = Self.partition(ofRegion: region)
        guard other == partition || own == nil else {
            throw values.error(
                "region",
                "\(region.printable) is a region of the partition \(other), and roleArn is of"
                    + " \(String(partition).printable)"
                    + (values.has("region") ? "" : " (a variable names the region)"),
                hint: "write \"region\": \"\(own?.first ?? "REGION")\" where roleArn is right"
            )
        }
        guard let host = SecurityTokenHost(region: region) else {
            let (problem, hint) = SecurityTokenHost.objection(to: region)
            throw values.error("region", problem, hint: hint)
        }
        return try values.endpoint("region", host.name)
    }

    /// Regions of each partition, for advice.
    private static let regions = [
        "aws": ["us-east-1", "eu-central-1"], "aws-us-gov": ["us-gov-west-1", "us-gov-east-1"],
        "aws-cn": ["cn-north-1", "cn-northwest-1"], "aws-eusc": ["eusc-de-east-1"],
        "aws-iso": ["us-iso-east-1"], "aws-iso-b": ["us-isob-east-1"],
    ]

    /// By how regions are named.
    private static func partition(ofRegion region: String) -> String {
        let starts = [
            ("us-gov-", "aws-us-gov"), ("cn-", "aws-cn"), ("eusc-", "aws-eusc"),
            ("us-isob-", "aws-iso-b"), ("us-iso-", "aws-iso"),
        ]
        return starts.first { region.hasPrefix($0.0) }?.1 ?? "aws"
    }

    /// A session's name that was meant by what is none.
    private static func sessionName(like text: String) -> String {
        var name = ""
        for character in text {
            let isFit = String(character).isAlphanumeric(or: "_+=,.@-")
            if isFit { name.append(character) } else if name.last != "-" { name.append("-") }
        }
        name = String(name.prefix(64))
        return name.count < 2 ? "wif-agent" : name
    }

    /// `arn:PARTITION:iam::ACCOUNT:role/NAME`; `nil` for what is none.
    static func partition(ofRole arn: String) -> Substring? {
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "arn", parts[2] == "iam", parts[3].isEmpty,
            parts[1] == "aws" || parts[1].hasPrefix("aws-"),
            parts[4].count == 12, parts[4].utf8.isNumber,
            parts[5].hasPrefix("role/"), !parts[5].hasSuffix("/"),
            arn.utf8.count <= 2048, arn.utf8.isVisibleASCII
        else { return nil }
        return parts[1]
    }

    private static func isSessionName(_ text: String) -> Bool {
        (2...64).contains(text.utf8.count)
            && text.isAlphanumeric(or: "_+=,.@-")
    }
}

/// A session's key, and when it ends: what a credential of AWS holds.
package struct AWSSessionKey: Sendable {
    package let id: String
    package let secret: Secret
    package let sessionToken: Secret

    package init(id: String, secret: Secret, sessionToken: Secret) {
        (self.id, self.secret, self.sessionToken) = (id, secret, sessionToken)
    }

    /// The document that AWS's tools take from a `credential_process`, in one line.
    package func document(expiration: String) -> Secret {
        let document: JSON = [
            "Version": 1, "AccessKeyId": .string(id), "SecretAccessKey": .string(secret.text),
            "SessionToken": .string(sessionToken.text), "Expiration": .string(expiration),
        ]
        var bytes = document.serialized()
        defer { wipe(&bytes) }
        return Secret(bytes)
    }

    /// Reads such a document; `nil` where a part of the key is missing, or could break a line apart.
    package init?(document: Secret) {
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: document.bytes)
        } catch {
            return nil
        }
        let parts = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map {
            json[$0]?.string ?? ""
        }
        guard
            parts.allSatisfy({ part in
                !part.isEmpty && part.utf8.isVisibleASCII
            })
        else { return nil }
        self.init(id: parts[0], secret: Secret(parts[1]), sessionToken: Secret(parts[2]))
    }
}

extension Credential {
    /// The key that a credential of AWS holds; `nil` for one of another kind.
    var sessionKey: AWSSessionKey? {
        kind == .awsSession ? AWSSessionKey(document: value) : nil
    }
}

extension FormatFacts {
    /// A section of a shared credentials file. AWS's tools read the one named `default` unless told
    /// otherwise. https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
    static let ini = FormatFacts(
        objection: { service in
            service == .aws
                ? nil
                : "ini is for AWS, and not for \(service.facts.title); raw and json are for"
                    + " every service"
        },
        render: { (input) throws(FormatError) in
            guard let key = input.credential.sessionKey else {
                throw FormatError("ini is for AWS's keys, and this credential is not such a key")
            }
            var bytes = Array("[default]\naws_access_key_id = \(key.id)\n".utf8)
            defer { wipe(&bytes) }
            bytes += Array("aws_secret_access_key = ".utf8) + key.secret.bytes
            bytes += Array("\naws_session_token = ".utf8) + key.sessionToken.bytes
            return Rendered(bytes: Secret(bytes + [UInt8(ascii: "\n")]))
        }
    )
}
