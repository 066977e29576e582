import AWSSignature
import Crypto
import FoundationEssentials
import Kernel
import TestSupport
import Testing
import Text

@Suite struct SignatureV4Tests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var id = "ASIAIOSFODNN7EXAMPLE"
        var token: String? =
            "FwoGZXIvYXdzEXAMPLE//////////wEaDHNlc3Npb24tdG9rZW4+abc/def+ghi==EXAMPLETOKEN=="
        let region: String
        let host: String
        var body = ""
        let canonicalHash: String
        var keys: [String] = []
        let signature: String

        var input: SignatureV4.Input {
            var headers = [("x-amz-date", "20240102T030405Z"), ("host", host)]
            if let token { headers.append(("x-amz-security-token", token)) }
            if !body.isEmpty {
                headers.append(
                    ("content-type", "application/x-www-form-urlencoded; charset=utf-8")
                )
            }
            let query = [("Version", "2011-06-15"), ("Action", "GetCallerIdentity")]
            return SignatureV4.Input(
                method: "POST",
                query: body.isEmpty ? query : [],
                headers: headers,
                body: Array(body.utf8),
                timestamp: "20240102T030405Z",
                region: region
            )
        }

        var key: AWSKey {
            AWSKey(
                id: id,
                secret: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                sessionToken: token.map { Secret($0) }
            )
        }
    }

    static let rows = [
        Row(
            testDescription: "global endpoint, long-term key",
            id: "AKIAIOSFODNN7EXAMPLE",
            token: nil,
            region: "us-east-1",
            host: "sts.amazonaws.com",
            canonicalHash: "466a865535e8c5b68e0344e3b3e9d41a4991bc6f9bc87cf5888bbf6dfa5aaa3a",
            keys: [
                "70cdda53780e4771bca08657ba4c687c71b2230f5ff585036b27fafdfc17b114",
                "afa33a86765f240886b7f1ee2dcea76e3232fb501a597cae1d811cc85fe5c228",
                "96e01c649c3f12743f608a660d094d0524b479a2e7e66d3fc2d0bc18a54bf59f",
                "5ad2f57c5027479aabac4a599958126573ba4aa018070c8b78e19e094358699c",
            ],
            signature: "9f1e69ad1f70c5f2bc1c64fab33ce32258ec9241672dd345e8bd064d80adcab1"
        ),
        Row(
            testDescription: "regional endpoint, session token",
            region: "eu-central-1",
            host: "sts.eu-central-1.amazonaws.com",
            canonicalHash: "ed8578e3ec2eaff555e8ee51021b6bd972be80c8349818199455d07dc1a907f0",
            keys: [
                "70cdda53780e4771bca08657ba4c687c71b2230f5ff585036b27fafdfc17b114",
                "bc3f1124f0536f0f2b0a82df380c8ea4f5e5b9dcb51ddde262550eef86ef38e5",
                "01fbf262870ab5053cdf8b4d336c466836977c750fcbe5f14df090e4d9e9d2cc",
                "83bdfdbbe3360b992f40e34f9190728764d0323f01c7979629cca9bf14371fcb",
            ],
            signature: "05dd14ca34b9ddf3bfce39ab8f7100873b64cc7f56a1b4e33a64275aedf33481"
        ),
        Row(
            testDescription: "China",
            id: "AKIAIOSFODNN7EXAMPLE",
            token: nil,
            region: "cn-north-1",
            host: "sts.cn-north-1.amazonaws.com.cn",
            canonicalHash: "9402bda811b69b7d29fb98f0ca24263585d7c6847e5298e51969c168dd1f52cd",
            signature: "1e74b73ef9067c79b00eddec705d74864b3b35103101a7eab541aee73daa3813"
        ),
        Row(
            testDescription: "GetWebIdentityToken with a form body",
            region: "eu-west-1",
            host: "sts.eu-west-1.amazonaws.com",
            body: "Action=GetWebIdentityToken&Version=2011-06-15"
                + "&Audience.member.1=https%3A%2F%2Facme.conductor.one"
                + "&DurationSeconds=300&SigningAlgorithm=ES384",
            canonicalHash: "5ae709de94099025089f1984495a91a93f8c1cbe196744a32a115b626116a207",
            signature: "f37ded2d38f0e76080e51149eb4f89566dd07b0ffbcd1b6eaaaf75a3aff5e89e"
        ),
    ]

    @Test(arguments: rows)
    func `each intermediate value is the reference's`(row: Row) {
        let signed = SignatureV4(row.input, key: row.key)
        #expect(hexadecimal(sha256(signed.canonicalRequest.bytes)) == row.canonicalHash)
        let lines = signed.stringToSign.split(separator: "\n").map(String.init)
        #expect(
            lines == [
                "AWS4-HMAC-SHA256", "20240102T030405Z",
                "20240102/\(row.region)/sts/aws4_request", row.canonicalHash,
            ]
        )
        if !row.keys.isEmpty {
            #expect(signed.derivedKeys.map { hexadecimal($0.bytes) } == row.keys)
        }
        #expect(signed.signature == row.signature)
        #expect(
            signed.authorization.text
                == "AWS4-HMAC-SHA256 Credential=\(row.id)/\(signed.scope), "
                + "SignedHeaders=\(signed.signedHeaders), Signature=\(row.signature)"
        )
    }

    @Test func `the canonical request is the reference's, byte by byte`() {
        let signed = SignatureV4(Self.rows[1].input, key: Self.rows[1].key)
        #expect(
            signed.canonicalRequest.text == """
                POST
                /
                Action=GetCallerIdentity&Version=2011-06-15
                host:sts.eu-central-1.amazonaws.com
                x-amz-date:20240102T030405Z
                x-amz-security-token:\(Self.rows[1].token ?? "")

                host;x-amz-date;x-amz-security-token
                e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
                """
        )
        #expect(signed.canonicalRequest.count == 318)
    }

    @Test func `names are folded and sorted, values trimmed and collapsed`() {
        let input = SignatureV4.Input(
            method: "GET",
            query: [("b", "2"), ("a", "x y"), ("a", "+/ä"), ("A", "")],
            headers: [("X-Amz-Date", " a   b "), ("Host", "h")],
            timestamp: "20240102T030405Z",
            region: "us-east-1"
        )
        let signed = SignatureV4(input, key: Self.rows[0].key)
        let lines = signed.canonicalRequest.text.split(separator: "\n")
        #expect(lines[2] == "A=&a=%2B%2F%C3%A4&a=x%20y&b=2")
        #expect(lines[3...4] == ["host:h", "x-amz-date:a b"])
    }

    @Test func `a date has no fraction and no separators`() {
        #expect(
            amazonTimestamp(WallTime(secondsSinceEpoch: 1_704_164_645.9)) == "20240102T030405Z"
        )
    }
}
