import Federation
import FoundationEssentials
import Kernel
import TestSupport
import Testing
import Text

@Suite struct `A credential source` {
    static let sources: [(JSON, String)] = [
        (["provider": "auto"], "automatic"),
        (["provider": "gcp"], #"gcp(serviceAccount: "default")"#),
        (["provider": "gcp", "serviceAccount": "a@b"], #"gcp(serviceAccount: "a@b")"#),
        (["provider": "github"], "github"),
        (["file": "/run/t"], #"file(path: "/run/t", text)"#),
        (
            ["file": "/run/t", "format": ["type": "json", "subjectTokenFieldName": "id_token"]],
            #"file(path: "/run/t", json(field: "id_token"))"#
        ),
        (
            ["file": "/t", "format": ["type": "json", "subject_token_field_name": "x"]],
            #"file(path: "/t", json(field: "x"))"#
        ),
        (["environment": "MY_TOKEN"], #"environment(name: "MY_TOKEN")"#),
    ]

    @Test(arguments: sources)
    func `each form is read`(source: JSON, expected: String) throws {
        let account = try AccountFixture.parse(["credentialSource": source])
        let found = "\(account.tokenSource)"
            .split(separator: "Federation.TokenFormat.").joined()
        #expect(found == expected)
        #expect(account.warnings.isEmpty)
    }

    @Test func `azure takes a resource and one identity`() throws {
        let id = "00000000-1111-2222-3333-44444444aBcD"
        let account = try AccountFixture.parse([
            "credentialSource": [
                "provider": "azure", "resource": "api://x", "clientId": .string(id),
            ]
        ])
        guard case .azure(let azure) = account.tokenSource,
            case .clientID(let found)? = azure.identity
        else {
            Issue.record("\(account.tokenSource)")
            return
        }
        #expect(azure.resource == "api://x")
        #expect(found == id)
    }

    @Test func `a literal token works, with a warning`() throws {
        let account = try AccountFixture.parse(["jwtToken": " a.b.c\n"])
        guard case .literal(let token) = account.tokenSource else {
            Issue.record("\(account.tokenSource)")
            return
        }
        #expect(token.text == "a.b.c")
        #expect(account.warnings.count == 1)
    }

    static let bad: [(JSON, String)] = [
        (
            [:],
            "exactly one of provider, file, environment, url, executable, account is expected, found 0"
        ),
        (["provider": "gcp", "file": "/t"], "exactly one of"),
        (["file": "/t", "environment": "T"], "exactly one of"),
        ("gcp", "an object is expected, found a string"),
        (["provider": 1], "credentialSource.provider: a string is expected, found a number"),
        (
            ["provider": "gcpp"],
            "credentialSource.provider: \"gcpp\" is not known; one of auto, aws, azure, "
        ),
        (["file": "t"], "credentialSource.file: is a relative path (t)"),
        (["file": "/t", "format": ["type": "json"]], "subjectTokenFieldName: is missing"),
        (["file": "/t", "format": ["type": "xml"]], "\"xml\" is not known; one of json, text"),
        (["file": "/t", "format": "json"], "format: an object is expected, found a string"),
        (
            ["file": "/t", "format": ["subjectTokenFieldName": "x"]],
            "subjectTokenFieldName: goes with type json only"
        ),
        (
            ["provider": "azure", "clientId": "a", "objectId": "b"],
            "at most one of clientId, objectId, resourceId"
        ),
        (
            ["provider": "azure", "clientId": "my-identity"],
            "clientId: \"my-identity\" is no client id: that is a GUID, not a name"
        ),
        (["environment": "$TOKEN"], "environment: $TOKEN has a $ before the variable's name"),
        (["environment": ""], "credentialSource.environment: is empty"),
    ]

    @Test(arguments: bad)
    func `any other is refused`(source: JSON, message: String) {
        let error = #expect(throws: AccountError.self) {
            try AccountFixture.parse(["credentialSource": source])
        }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func `AWS's options are taken, and a program in its files is seen`() throws {
        let source: JSON = [
            "provider": "aws", "region": "eu-west-1", "profile": "x", "token": "web-identity",
        ]
        let account = try AccountFixture.parse(["credentialSource": source])
        guard case .aws(let aws) = account.tokenSource else {
            Issue.record("\(account.tokenSource)")
            return
        }
        #expect(aws == AWSSource(region: "eu-west-1", profile: "x", token: .webIdentity))
        let scratch = ScratchDirectory()
        let environment = ["HOME": scratch.path, "AWS_CONFIG_FILE": "~/config"]
        #expect(!Job.Kind.exchange.runsPrograms(for: account, in: environment))
        try Data("[profile x]\nCredential_Process = /x\n".utf8)
            .write(to: URL(filePath: scratch("config")))
        #expect(Job.Kind.exchange.runsPrograms(for: account, in: environment))
    }

    @Test func `a literal token excludes it`() {
        let error = #expect(throws: AccountError.self) {
            try AccountFixture.parse(["jwtToken": "x", "credentialSource": ["provider": "gcp"]])
        }
        #expect(error?.message.contains("jwtToken: excludes credentialSource") == true)
        #expect(error?.message.contains("\"x\"") == false)
    }
}
