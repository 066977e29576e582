import AWSSignature
import Crypto
import Federation
import FoundationEssentials
import Kernel
import TestSupport
import Testing
import Text

/// Another implementation's verdict on the same requests. Where it is not installed there is none.
@Suite(.timeLimit(.minutes(1)))
struct BotocoreTests {
    struct Request: Sendable {
        let method: String
        let host: String
        let region: String
        let query: [(name: String, value: String)]
        let headers: [(name: String, value: String)]
        let body: String
        let timestamp: String
        let key: AWSKey

        /// Random, and the same in each run.
        init(_ dice: inout Dice) {
            method = dice.pick(["POST", "GET", "PUT"])
            region = dice.pick(["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
            host = dice.pick(["sts.amazonaws.com", "sts.\(region).amazonaws.com", "h.test:8443"])
            query = (0..<dice.number(5)).map { _ in (dice.text(1...6), dice.text(0...12)) }
            headers = (0..<dice.number(4)).map { index in
                (
                    "X-\(dice.text(1...5, Dice.letters))-\(index)",
                    " \(dice.text(1...20, Dice.words)) "
                )
            }
            body = dice.text(0...200)
            let day = 10 + dice.number(18)
            timestamp = "202\(dice.number(9))0\(1 + dice.number(9))\(day)T1\(dice.number(9))0203Z"
            let token = dice.number(2) == 0 ? nil : dice.text(20...400, Dice.base64)
            key = AWSKey(
                id: "ASIA" + dice.text(16...16, Dice.letters),
                secret: Secret(dice.text(40...40, Dice.base64)),
                sessionToken: token.map { Secret($0) }
            )
        }

        var signature: String {
            var all = headers + [("host", host), ("X-Amz-Date", timestamp)]
            if let token = key.sessionToken { all.append(("X-Amz-Security-Token", token.text)) }
            let input = SignatureV4.Input(
                method: method,
                query: query,
                headers: all,
                body: Array(body.utf8),
                timestamp: timestamp,
                region: region
            )
            return SignatureV4(input, key: key).signature
        }

        var json: JSON {
            let query = query.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }
            return [
                "method": .string(method), "region": .string(region), "body": .string(body),
                "url": .string("https://\(host)/?" + query.joined(separator: "&")),
                "headers": .array(headers.map { [.string($0.name), .string($0.value)] }),
                "timestamp": .string(timestamp), "id": .string(key.id),
                "secret": .string(key.secret.text),
                "token": key.sessionToken.map { .string($0.text) } ?? .null,
            ]
        }
    }

    private static let script = """
        import json, sys
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        for line in open(sys.argv[1]):
            r = json.loads(line)
            auth = SigV4Auth(Credentials(r['id'], r['secret'], r['token']), 'sts', r['region'])
            request = AWSRequest(method=r['method'], url=r['url'], data=r['body'].encode())
            for name, value in r['headers']:
                request.headers[name] = value
            request.context['timestamp'] = r['timestamp']
            auth._modify_request_before_signing(request)
            to_sign = auth.string_to_sign(request, auth.canonical_request(request))
            print(auth.signature(to_sign, request))
        """

    @Test(
        .enabled("python3 or botocore is not installed") {
            try await output(["python3", "-c", "import botocore.auth"]) != nil
        }
    )
    func `botocore signs 200 random requests alike`() async throws {
        var dice = Dice(state: 20_240_102)
        let requests = (0..<200).map { _ in Request(&dice) }
        let scratch = ScratchDirectory()
        let file = scratch("requests")
        let lines = requests.flatMap { $0.json.serialized() + [UInt8(ascii: "\n")] }
        try Data(lines).write(to: URL(filePath: file))
        let theirs = try #require(try await output(["python3", "-c", Self.script, file]))
        let signatures = theirs.split(separator: "\n").map(String.init)
        #expect(signatures.count == 200)
        for (request, signature) in zip(requests, signatures) {
            #expect(request.signature == signature, "\(request.json)")
        }
    }
}

/// What the program prints; `nil` where it is not there or fails.
private func output(_ command: [String]) async throws -> String? {
    let pipe = try Pipe()
    var request = ChildProcess.Request(
        path: command[0],
        arguments: command,
        environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"],
        descriptors: [-1, pipe.writing.raw, -1]
    )
    request.searchesPath = true
    let child: ChildProcess
    do throws(Errno) {
        child = try ChildProcess(request)
    } catch {
        return nil
    }
    // 200 lines are less than a pipe holds.
    let status = try await child.wait()
    guard status == .exited(0) else { return nil }
    return String(decoding: try pipe.takeReading().read(upTo: 65_536), as: UTF8.self)
}

/// A small generator of the same numbers in each run.
struct Dice {
    static let letters = Array("abcdefghijkXYZ0123456789")
    static let words = Array("abc def  ghi=,;/+-")
    static let base64 = Array("abcdefghijABCDEFGHIJ0123456789+/=")
    static let anything = Array("abcXYZ019 -._~!$&'()*+,;=:@/?#[]%äß€\"\\")

    var state: UInt64

    mutating func number(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % limit
    }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[number(values.count)] }

    mutating func text(
        _ length: ClosedRange<Int>,
        _ characters: [Character] = anything
    ) -> String {
        let count = length.lowerBound + number(length.count)
        return String((0..<count).map { _ in pick(characters) })
    }
}
