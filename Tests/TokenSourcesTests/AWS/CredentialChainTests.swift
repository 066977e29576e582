import Federation
import FoundationEssentials
import Glibc
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

@testable import TokenSources

/// Everything a key may come from, piece by piece taken away.
@Suite(.timeLimit(.minutes(1)))
struct CredentialChainTests {
    private static let network: [(String, HTTPResponse)] = [
        (
            "Action=AssumeRoleWithWebIdentity",
            stsReply("AssumeRoleWithWebIdentity", credentialsXML("WEB"))
        ),
        ("Action=AssumeRole&", stsReply("AssumeRole", credentialsXML("ROLE"))),
        ("GET http://169.254.170.2/c", keyReply("CONTAINER")),
        ("PUT http://169.254.169.254/latest/api/token", .text(200, "token")),
        ("/placement/region", .text(200, "ap-south-2")),
        ("security-credentials/r", keyReply("INSTANCE")),
        ("security-credentials/", .text(200, "r\n")),
    ]
    private static let static_ = "aws_access_key_id=CREDS\naws_secret_access_key=s\n"
    private static let config = "aws_access_key_id=CONFIG\naws_secret_access_key=s\n"

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var source = AWSSource()
        var variables: [String: String] = [:]
        var config = ""
        var credentials = ""
        let expected: String
    }

    static let rows = [
        Row(
            testDescription: "variables before all",
            variables: sessionVariables.merging(everywhere) { $1 },
            config: "[default]\nrole_arn=a\nsource_profile=default\n" + config,
            credentials: "[default]\n" + static_,
            expected: "ASIAIOSFODNN7EXAMPLE"
        ),
        Row(
            testDescription: "a profile in the account file before variables",
            source: AWSSource(profile: "x"),
            variables: sessionVariables.merging(everywhere) { $1 },
            credentials: "[x]\n" + static_,
            expected: "CREDS"
        ),
        Row(
            testDescription: "a role with the key beside it",
            variables: everywhere,
            config: "[default]\nrole_arn=a\nsource_profile=default\n",
            credentials: "[default]\n" + static_,
            expected: "ROLE"
        ),
        Row(
            testDescription: "web identity before static keys",
            variables: everywhere,
            credentials: "[default]\n" + static_,
            expected: "WEB"
        ),
        Row(
            testDescription: "the credentials file before a program",
            variables: container,
            config: "[default]\ncredential_process=/x\n" + config,
            credentials: "[default]\n" + static_,
            expected: "CREDS"
        ),
        Row(
            testDescription: "the config file before a container",
            variables: container,
            config: "[default]\n" + config,
            expected: "CONFIG"
        ),
        Row(
            testDescription: "a key before the session of a single sign-on",
            config: "[default]\nsso_session=x\n" + config,
            expected: "CONFIG"
        ),
        Row(
            testDescription: "another profile by variable",
            variables: ["AWS_PROFILE": "x", "AWS_DEFAULT_PROFILE": "y"],
            config: "[default]\n\(config)[profile x]\n" + config.replacingID("X"),
            expected: "X"
        ),
        Row(
            testDescription: "a container before the instance",
            variables: container,
            expected: "CONTAINER"
        ),
        Row(testDescription: "the instance last", expected: "INSTANCE"),
    ]
    private static let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c"]
    private static let everywhere = container.merging([
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/proc/self/comm", "AWS_ROLE_ARN": "arn:x",
    ]) { $1 }

    @Test(arguments: rows)
    func `keys are found in the order of AWS's tools`(row: Row) async throws {
        let scratch = ScratchDirectory()
        let files = try scratch.sharedFiles(config: row.config, credentials: row.credentials)
        let context = context(
            amazon(Self.network),
            environment: row.variables.merging(files) { $1 }
        )
        let token = try await context.subjectToken(from: .aws(row.source)).token
        let found = try signer(of: token)
        #expect(found.id == row.expected)
        if row.expected == "INSTANCE" { #expect(found.host == "sts.ap-south-2.amazonaws.com") }
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var variables: [String: String] = [:]
        var config = ""
        var credentials = ""
        let message: String
    }

    static let faults = [
        Fault(
            testDescription: "half a key in the variables",
            variables: ["AWS_ACCESS_KEY_ID": "x"],
            message: "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ),
        Fault(
            testDescription: "half a key in a file",
            credentials: "[default]\naws_access_key_id=x",
            message: "only one of aws_access_key_id and aws_secret_access_key"
        ),
        Fault(
            testDescription: "broken file",
            credentials: "[default]\nx",
            message: "credentials, line 2: neither"
        ),
        Fault(
            testDescription: "unknown profile",
            variables: ["AWS_PROFILE": "x"],
            message: "the profile x is in neither"
        ),
        Fault(
            testDescription: "role without source",
            config: "[default]\nrole_arn=a",
            message: "exactly one of source_profile and credential_source"
        ),
        Fault(
            testDescription: "role with two sources",
            config: "[default]\nrole_arn=a\nsource_profile=x\ncredential_source=Environment",
            message: "exactly one of source_profile and credential_source"
        ),
        Fault(
            testDescription: "role with an odd source",
            config: "[default]\nrole_arn=a\ncredential_source=ec2",
            message: "credential_source \"ec2\" is not known"
        ),
        Fault(
            testDescription: "circle",
            config: "[default]\nrole_arn=a\nsource_profile=b\n[profile b]\nrole_arn=c\n"
                + "source_profile=default",
            message: "in a circle: default, b, default"
        ),
        Fault(
            testDescription: "own source without a key",
            config: "[default]\nrole_arn=a\nsource_profile=default",
            message: "in a circle: default, default"
        ),
        Fault(
            testDescription: "source that is not there",
            config: "[default]\nrole_arn=a\nsource_profile=b",
            message: "source_profile b is in neither"
        ),
        Fault(
            testDescription: "source without a key",
            config: "[default]\nrole_arn=a\nsource_profile=b\n[profile b]\nregion=x",
            message: "the source profile b has no credentials"
        ),
        Fault(
            testDescription: "MFA",
            config: "[default]\nrole_arn=a\nsource_profile=b\nmfa_serial=m\n[profile b]",
            message: "mfa_serial, which is not supported"
        ),
        Fault(
            testDescription: "duration",
            config: "[default]\nrole_arn=a\nsource_profile=b\nduration_seconds=1h\n[profile b]",
            message: "duration_seconds is not a number"
        ),
        Fault(
            testDescription: "single sign-on",
            config: "[default]\nsso_session=s",
            message: "single sign-on (sso_session, sso_account_id), which is not supported"
        ),
        Fault(
            testDescription: "single sign-on beside a key",
            config: "[default]\nsso_account_id=1\n" + config,
            message: "single sign-on (sso_session, sso_account_id), which is not supported"
        ),
        Fault(
            testDescription: "login",
            config: "[default]\nlogin_session=s",
            message: "login_session, which is not supported"
        ),
        Fault(
            testDescription: "token file without role",
            variables: ["AWS_WEB_IDENTITY_TOKEN_FILE": "/x"],
            message: "without a role"
        ),
        Fault(
            testDescription: "program in a worker without",
            config: "[default]\ncredential_process=/bin/false",
            message: "/bin/false cannot be run"
        ),
        Fault(
            testDescription: "no command line",
            config: "[default]\ncredential_process=\"x",
            message: "is not a command line"
        ),
        Fault(
            testDescription: "region that is none",
            variables: sessionVariables.merging(["AWS_REGION": "evil.example/"]) { $1 },
            message: "\"evil.example/\" is not the name of a region"
        ),
    ]

    @Test(arguments: faults)
    func `what is half there is an error`(fault: Fault) async throws {
        let scratch = ScratchDirectory()
        let files = try scratch.sharedFiles(config: fault.config, credentials: fault.credentials)
        let network = amazon(Self.network)
        let context = context(network, environment: fault.variables.merging(files) { $1 })
        let error = await failure(.aws(AWSSource()), context)
        #expect(error?.class == .misconfigured)
        #expect(error?.message.contains(fault.message) == true, "\(error?.message ?? "")")
        #expect(network.sent.isEmpty)
    }

    @Test func `roles are assumed one with the key of the next`() async throws {
        let scratch = ScratchDirectory()
        let config = """
            [default]
            role_arn = arn:aws:iam::1:role/last
            source_profile = middle
            role_session_name = me
            external_id = e/1
            duration_seconds = 900
            [profile middle]
            role_arn = arn:aws:iam::1:role/middle
            credential_source = Environment
            """
        let files = try scratch.sharedFiles(config: config)
        let network = amazon([
            ("role%2Fmiddle", stsReply("AssumeRole", credentialsXML("MIDDLE"))),
            ("role%2Flast", stsReply("AssumeRole", credentialsXML("LAST"))),
        ])
        let environment = sessionVariables.merging(files) { $1 }
        let context = context(network, environment: environment)
        // The variables would be first; a named profile passes them over.
        let source = TokenSource.aws(AWSSource(region: "eu-west-1", profile: "default"))
        let token = try await context.subjectToken(from: source).token
        #expect(try signer(of: token).id == "LAST")
        #expect(
            network.sent.map(\.url)
                == Array(repeating: "https://sts.eu-west-1.amazonaws.com/", count: 2)
        )
        let bodies = network.sent.map { $0.body?.text ?? "" }
        #expect(bodies[0].contains("RoleSessionName=wif-agent-1704164645"))
        #expect(
            bodies[1] == "Action=AssumeRole&Version=2011-06-15"
                + "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Flast&RoleSessionName=me"
                + "&ExternalId=e%2F1&DurationSeconds=900"
        )
        let signers = network.sent.map {
            $0.headerLines.first { $0.hasPrefix("Authorization") } ?? ""
        }
        #expect(signers[0].contains("Credential=ASIAIOSFODNN7EXAMPLE/20240102/eu-west-1/sts"))
        #expect(signers[1].contains("Credential=MIDDLE/"))
        #expect(
            signers[1].contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token")
        )
    }

    @Test(arguments: [("a b", "characters that it cannot have"), ("a=b", "")])
    func `a program's key is used`(session: String, message: String) async throws {
        let scratch = ScratchDirectory()
        let output = #"{"Version":1,"AccessKeyId":"ID","SecretAccessKey":"s","SessionToken":"%s"}"#
        let files = try scratch.sharedFiles(
            config: """
                [default]
                credential_process = /bin/sh -c 'printf "$0" "$1"' '\(output)' "\(session)"
                """
        )
        let context = SourceContext(
            RequestContext(
                transport: amazon([]),
                environment: files,
                timekeeper: SystemTimekeeper(),
                deadline: BootInstant.now.advanced(bySeconds: 300)
            ),
            audience: "",
            issuer: nil,
            machine: Machine(isGoogle: false, isAzure: false),
            runsPrograms: true
        )
        let error = await failure(.aws(AWSSource()), context)
        #expect(error?.message.contains(message) == (message.isEmpty ? nil : true))
    }

    /// Root that kept the HOME of another user must not run the program that user names.
    @Test(
        .enabled(if: geteuid() == 0, "giving files away takes root"),
        arguments: ["credential_process = /bin/true", "aws_access_key_id = x"]
    )
    func `another user's shared files are refused`(content: String) async throws {
        let scratch = ScratchDirectory()
        let files = try scratch.sharedFiles(config: "[default]\n\(content)\n")
        let config = scratch("config")
        let marks: [() -> Void] = [
            { unsafe chown(config, 4242, 4242) }, { unsafe chmod(config, 0o660) },
            { setAccessList(config, user: 4242, bits: 6) },
        ]
        for (mark, says) in zip(marks, ["is owned by 4242", "by its group", "by the user 4242"]) {
            unsafe chown(config, 0, 0)
            unsafe chmod(config, 0o600)
            mark()
            let error = await failure(.aws(AWSSource()), context(amazon([]), environment: files))
            #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
            #expect(error?.hint?.contains("HOME") == true)
            #expect(error?.class == .misconfigured)
        }
    }

    static let outputs: [(String, String?)] = [
        (#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"s"}"#, nil),
        (#"{"Version":2,"AccessKeyId":"a","SecretAccessKey":"s"}"#, "Version is not 1"),
        (#"{"Version":"1","AccessKeyId":"a","SecretAccessKey":"s"}"#, "Version is not 1"),
        (#"{"Version":1,"AccessKeyId":"a"}"#, "no SecretAccessKey"),
        ("", "not JSON"), ("[]", "Version is not 1"),
    ]

    @Test(arguments: outputs)
    func `a program's output is held to the form`(output: String, message: String?) {
        do throws(SourceError) {
            _ = try CredentialProcess.credentials(Secret(output), from: "p")
            #expect(message == nil)
        } catch {
            #expect(error.message.contains(message ?? "(none expected)"), "\(error.message)")
        }
    }
}

extension String {
    fileprivate func replacingID(_ id: String) -> String {
        split(separator: "\n").map { line in
            line.hasPrefix("aws_access_key_id") ? "aws_access_key_id=\(id)" : String(line)
        }.joined(separator: "\n") + "\n"
    }
}
