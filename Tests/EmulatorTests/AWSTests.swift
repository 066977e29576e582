import AWSSignature
import Crypto
import Federation
import FoundationEssentials
import Kernel
import Serving
import Testing
import Text

@testable import wif_emulator

@Suite struct `AWS's side` {
    /// A row changes one thing in a proof that is accepted.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var host = "sts.eu-central-1.amazonaws.com"
        var region = "eu-central-1"
        var age = 0.0
        var subject = "arn:aws:sts::123456789012:assumed-role/workload/*"
        var mappings: [String: String] = [:]
        var query = "Action=GetCallerIdentity&Version=2011-06-15"
        var secret: String?
        var withoutToken = false
        var code: Int64?
    }

    static let rows = [
        Row(testDescription: "regional"),
        Row(testDescription: "global", host: "sts.amazonaws.com", region: "us-east-1"),
        Row(testDescription: "14 minutes old", age: 840),
        Row(testDescription: "14 minutes ahead", age: -840),
        Row(
            testDescription: "mapped",
            mappings: ["aws_claims.account": "123456789012"]
        ),
        Row(testDescription: "exact subject", subject: session),
        Row(testDescription: "other session", subject: session + "x", code: 7),
        Row(testDescription: "other role", subject: "arn:aws:sts::1:assumed-role/x/*", code: 7),
        Row(testDescription: "no session", subject: session + "/*", code: 7),
        Row(testDescription: "other account", mappings: ["aws_claims.account": "2"], code: 7),
        Row(testDescription: "China", host: "sts.cn-north-1.amazonaws.com.cn", code: 3),
        Row(testDescription: "FIPS", host: "sts-fips.us-east-1.amazonaws.com", code: 3),
        Row(testDescription: "somebody's", host: "sts.eu-central-1.amazonaws.com.evil", code: 3),
        Row(testDescription: "other call", query: "Action=GetUser&Version=2011-06-15", code: 3),
        Row(testDescription: "other region", region: "eu-west-1", code: 16),
        Row(testDescription: "global of another region", host: "sts.amazonaws.com", code: 16),
        Row(testDescription: "16 minutes old", age: 960, code: 16),
        Row(testDescription: "16 minutes ahead", age: -960, code: 16),
        Row(testDescription: "other secret", secret: "x", code: 16),
        Row(testDescription: "without its session token", withoutToken: true, code: 16),
    ]
    private static let session = "arn:aws:sts::123456789012:assumed-role/workload/s-1"

    @Test(arguments: rows)
    func `Mondoo executes the request it is given`(row: Row) throws {
        var options = Options()
        options.platforms = [.aws]
        try options.trusts.add([
            "issuer": "https://sts.amazonaws.com", "subject": .string(row.subject),
            "audience": .string(options.scope),
            "mappings": .object(row.mappings.mapValues(JSON.string)),
        ])
        let world = try World(options, urls: [.issuers: "http://i", .mondoo: "http://m"])
        let end = world.clock.now.secondsSinceEpoch + 3600
        var key = world.sts.account.session(of: "workload", named: "s-1", until: end).key
        if row.secret != nil || row.withoutToken {
            key = AWSKey(
                id: key.id,
                secret: row.secret.map { Secret($0) } ?? key.secret,
                sessionToken: row.withoutToken ? nil : key.sessionToken
            )
        }
        let proof = proof(row, key, at: world.clock.now.advanced(bySeconds: -row.age))
        let body: JSON = [
            "issuer_uri": "https://sts.amazonaws.com", "audience": .string(options.scope),
            "jwt_token": .string(String(decoding: proof.serialized(), as: UTF8.self)),
        ]
        let path = "/SecureTokenService/ExchangeExternalToken"
        let response = try Mondoo(world: world).answer(
            HTTPServerRequest(
                method: "POST",
                target: path,
                path: path,
                headers: [HTTPField("content-type", "application/json")],
                body: body.serialized()
            )
        )
        let reply = try JSON(parsing: response.body)
        #expect(reply["code"] == row.code.map(JSON.integer), "\(reply)")
        #expect((reply["base64_credential"] != nil) == (row.code == nil))
    }

    private func proof(_ row: Row, _ key: AWSKey, at date: WallTime) -> JSON {
        let timestamp = amazonTimestamp(date)
        var headers = [("host", row.host), ("x-amz-date", timestamp)]
        if let token = key.sessionToken { headers.append(("x-amz-security-token", token.text)) }
        let query = (formFields(row.query) ?? []).map { ($0.name, $0.value) }
        let input = SignatureV4.Input(
            method: "POST",
            query: query,
            headers: headers,
            timestamp: timestamp,
            region: row.region
        )
        let signed = SignatureV4(input, key: key)
        let all = [("Authorization", signed.authorization.text)] + headers
        return [
            "url": .string("https://\(row.host)/?\(row.query)"), "method": "POST",
            "headers": .array(
                all.map { ["key": .string($0.0), "value": .string($0.1)] }
            ),
        ]
    }

    @Test func `the metadata service speaks version 2 alone`() throws {
        let world = try World(Options(), urls: [:])
        let service = AWSMetadata(world: world)
        let list = "/latest/meta-data/iam/security-credentials/"
        func ask(_ method: String, _ path: String, _ headers: [HTTPField]) throws -> Answer {
            let request = HTTPServerRequest(
                method: method,
                target: path,
                path: path,
                headers: headers
            )
            let response = try service.answer(request)
            return Answer(response.status, String(decoding: response.body, as: UTF8.self))
        }
        #expect(try ask("GET", list, []).status == 401)
        #expect(try ask("PUT", "/latest/api/token", []).status == 400)
        let ttl = HTTPField("x-aws-ec2-metadata-token-ttl-seconds", "60")
        let token = try ask("PUT", "/latest/api/token", [ttl]).text
        let header = HTTPField("x-aws-ec2-metadata-token", token)
        #expect(try ask("GET", list, [header]) == Answer(200, "workload"))
        let key = try JSON(parsing: Array(try ask("GET", list + "workload", [header]).text.utf8))
        #expect(key["Code"] == "Success")
        #expect(try ask("GET", list + "other", [header]).status == 404)
        #expect(try ask("GET", list, [HTTPField(header.name, "x")]).status == 401)
    }

    struct Answer: Equatable {
        let status: Int
        let text: String

        init(_ status: Int, _ text: String) {
            self.status = status
            self.text = text
        }
    }
}
