import Federation
import FoundationEssentials
import Kernel
import Testing
import Text

/// AWS as a service, as an account file describes it, and what its credentials look like.
@Suite struct `A role of AWS` {
    private static let arn = "arn:aws:iam::123456789012:role/path/scanner"

    private func account(
        _ members: [String: JSON] = [:],
        environment: [String: String] = [:]
    ) throws(AccountError) -> Account {
        let base: [String: JSON] = [
            "type": "external_account", "service": "aws", "roleArn": .string(Self.arn),
        ]
        return try Account(
            parsing: Secret(JSON.object(base.merging(members) { $1 }).serialized()),
            path: "/etc/wif-agent/x.json",
            environment: environment
        )
    }

    private func role(
        _ members: [String: JSON] = [:],
        environment: [String: String] = [:]
    ) throws -> AWSRole? {
        guard case .aws(let role) = try account(members, environment: environment).service
        else { return nil }
        return role
    }

    /// Keys, variables, the token service.
    static let endpoints: [([String: JSON], [String: String], String)] = [
        ([:], [:], "https://sts.amazonaws.com"),
        (["region": "eu-central-1"], [:], "https://sts.eu-central-1.amazonaws.com"),
        (
            ["region": "cn-north-1", "roleArn": "arn:aws-cn:iam::123456789012:role/a"], [:],
            "https://sts.cn-north-1.amazonaws.com.cn"
        ),
        ([:], ["AWS_REGION": "eu-west-1"], "https://sts.eu-west-1.amazonaws.com"),
        (
            ["region": "eu-central-1"], ["AWS_ENDPOINT_URL_STS": "http://127.0.0.1:5/"],
            "http://127.0.0.1:5"
        ),
        (
            ["region": "eu-central-1"],
            [
                "AWS_ENDPOINT_URL": "http://127.0.0.1:5",
                "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
            ], "https://sts.eu-central-1.amazonaws.com"
        ),
    ]

    @Test(arguments: endpoints)
    func `its token service`(
        members: [String: JSON],
        environment: [String: String],
        url: String
    ) throws {
        #expect(try role(members, environment: environment)?.endpoint.url == url)
    }

    @Test func `the audience is the usual one`() throws {
        #expect(try account().tokenAudience == "sts.amazonaws.com")
        #expect(try account(["tokenAudience": "x"]).tokenAudience == "x")
    }

    /// Keys, and what the error says.
    static let bad: [([String: JSON], String)] = [
        (["roleArn": .null], "roleArn: is missing"),
        (["roleArn": "scanner"], "roleArn: \"scanner\" is not the ARN of a role"),
        (["roleArn": "arn:aws:iam::12345678901:role/a"], "is not the ARN of a role"),
        (["roleArn": "arn:aws:iam::123456789012:user/a"], "is not the ARN of a role"),
        (["roleArn": "arn:aws:sts::123456789012:assumed-role/a/b"], "is not the ARN of a role"),
        (["roleArn": "arn:aws:iam::123456789012:role/"], "is not the ARN of a role"),
        (["roleArn": "arn:aws:iam::123456789012:role/a b"], "is not the ARN of a role"),
        (["sessionName": "a b"], "sessionName: \"a b\" is not a session name"),
        (["sessionName": "a"], "sessionName: \"a\" is not a session name"),
        (["durationSeconds": 899], "durationSeconds: is out of range; 900 to 43200 is expected"),
        (
            ["durationSeconds": "1h"],
            "durationSeconds: a number of seconds is expected, found a string"
        ),
        (["region": "eu/central"], "region: \"eu/central\" is not the name of a region"),
        (
            ["roleArn": "arn:aws-cn:iam::123456789012:role/a"],
            "the partition aws-cn, which has no token service for all regions"
        ),
        (["tokenUrl": "https://sts.test"], "tokenUrl: means nothing to AWS"),
        (["variable": "X"], "variable: is not for AWS"),
        (["outputs": [["format": "header", "path": "/run/x"]]], "header is not for AWS"),
    ]

    @Test(arguments: bad)
    func `bad input is told by its key`(members: [String: JSON], text: String) {
        do {
            _ = try account(members)
            Issue.record("accepted")
        } catch {
            #expect(error.message.contains(text), "\(error.message)")
        }
    }

    @Test func `ini is for AWS alone`() {
        let output: JSON = [["format": "ini", "path": "/run/x"]]
        #expect(throws: AccountError.self) { try AccountFixture.parse(["outputs": output]) }
        #expect(throws: Never.self) { try account(["outputs": output]) }
    }

    private static let credential = Credential(
        kind: .awsSession,
        value: AWSSessionKey(id: "ASIAX", secret: Secret("s/+="), sessionToken: Secret("t/+="))
            .document(expiration: "2024-01-02T03:04:05Z"),
        issuedAt: WallTime(secondsSinceEpoch: 1_704_164_645),
        lifetime: 3600,
        receivedAt: BootInstant(nanoseconds: 0)
    )

    /// What its programs read.
    static let formats: [(Format, String)] = [
        (
            .json,
            #"{"AccessKeyId":"ASIAX","Expiration":"2024-01-02T03:04:05Z","SecretAccessKey":"s/+=","#
                + #""SessionToken":"t/+=","Version":1}"#
        ),
        (
            .ini,
            "[default]\naws_access_key_id = ASIAX\naws_secret_access_key = s/+=\n"
                + "aws_session_token = t/+=\n"
        ),
        (
            .env,
            "export AWS_ACCESS_KEY_ID='ASIAX'\nexport AWS_SECRET_ACCESS_KEY='s/+='\n"
                + "export AWS_SESSION_TOKEN='t/+='\n"
                + "export WIF_AGENT_EXPIRES_AT='\(rfc3339(credential.expiresAt))'\n"
        ),
    ]

    @Test(arguments: formats)
    func `each format`(format: Format, text: String) throws {
        #expect(try format.render(Self.credential, for: account()).bytes.text == text)
    }

    @Test func `nothing that would break a line comes from a worker`() {
        var json = Self.credential.json
        #expect(Credential(json: json)?.kind == .awsSession)
        guard case .object(var members) = json else { return }
        members["value"] = #"{"AccessKeyId":"A\n[x]","SecretAccessKey":"s","SessionToken":"t"}"#
        json = .object(members)
        #expect(Credential(json: json) == nil)
    }
}
