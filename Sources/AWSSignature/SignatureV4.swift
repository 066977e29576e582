import Crypto
package import Kernel
import Text

/// An AWS access key: long-term, or of a session with its token.
package struct AWSKey: Sendable {
    /// `AKIA…` or `ASIA…`; no secret.
    package let id: String
    package let secret: Secret
    package let sessionToken: Secret?

    package init(id: String, secret: Secret, sessionToken: Secret? = nil) {
        (self.id, self.secret, self.sessionToken) = (id, secret, sessionToken)
    }
}

/// A request to AWS's token service (STS), signed: version 4 of AWS's signatures, with every value on
/// the way to it. The path is `/`, the only one that STS has.
package struct SignatureV4: Sendable {
    /// What is signed, and for where.
    package struct Input: Sendable {
        package var method: String
        /// Decoded; order does not matter.
        package var query: [(name: String, value: String)]
        /// All of them are signed. `host` and `x-amz-date` must be among them, and
        /// `x-amz-security-token` where the key has one.
        package var headers: [(name: String, value: String)]
        package var body: [UInt8]
        /// `YYYYMMDDTHHMMSSZ`, as in the header `x-amz-date`.
        package var timestamp: String
        package var region: String

        package init(
            method: String,
            query: [(name: String, value: String)] = [],
            headers: [(name: String, value: String)],
            body: [UInt8] = [],
            timestamp: String,
            region: String
        ) {
            (self.method, self.query, self.headers, self.body) = (method, query, headers, body)
            (self.timestamp, self.region) = (timestamp, region)
        }
    }

    /// May hold a session token.
    package let canonicalRequest: Secret
    /// `host;x-amz-date`, …
    package let signedHeaders: String
    /// `20240102/us-east-1/sts/aws4_request`
    package let scope: String
    package let stringToSign: String
    /// Of the date, the region, the service, and the one that signs.
    package let derivedKeys: [Secret]
    /// Lower-case hexadecimal.
    package let signature: String
    private let keyID: String

    /// Signs; the same input and key give the same signature.
    package init(_ input: Input, key: AWSKey) {
        let headers = Self.canonicalHeaders(input.headers)
        let signedHeaders = headers.map(\.name).joined(separator: ";")
        let lines = [
            input.method, "/", Self.canonicalQuery(input.query),
            headers.map { "\($0.name):\($0.value)\n" }.joined(),
            signedHeaders, hexadecimal(sha256(input.body)),
        ]
        let canonicalRequest = Array(lines.joined(separator: "\n").utf8)
        let date = String(input.timestamp.prefix(8))
        let steps = [date, input.region, "sts", "aws4_request"]
        scope = steps.joined(separator: "/")
        stringToSign = [
            "AWS4-HMAC-SHA256", input.timestamp, scope, hexadecimal(sha256(canonicalRequest)),
        ].joined(separator: "\n")
        var derived = Array("AWS4".utf8) + key.secret.bytes
        defer { wipe(&derived) }
        var keys: [Secret] = []
        for step in steps {
            derived = hmacSHA256(key: derived, Array(step.utf8))
            keys.append(Secret(derived))
        }
        signature = hexadecimal(hmacSHA256(key: derived, Array(stringToSign.utf8)))
        self.signedHeaders = signedHeaders
        self.canonicalRequest = Secret(canonicalRequest)
        derivedKeys = keys
        keyID = key.id
    }

    /// The value of the header `Authorization`.
    package var authorization: Secret {
        Secret(
            "AWS4-HMAC-SHA256 Credential=\(keyID)/\(scope), SignedHeaders=\(signedHeaders), "
                + "Signature=\(signature)"
        )
    }

    /// Lower-case names, in their order; values without white space around and runs of spaces in them.
    private static func canonicalHeaders(
        _ headers: [(name: String, value: String)]
    ) -> [(name: String, value: String)] {
        headers.map { header in
            let words = header.value.split { $0 == " " || $0 == "\t" }
            return (header.name.lowercased(), words.joined(separator: " "))
        }.sorted { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }
    }

    private static func canonicalQuery(_ query: [(name: String, value: String)]) -> String {
        query.map { (percentEncoded($0.name), percentEncoded($0.value)) }.sorted { $0 < $1 }
            .map { "\($0)=\($1)" }.joined(separator: "&")
    }

}

/// A date as AWS's signatures write it: `20240102T030405Z`.
package func amazonTimestamp(_ date: WallTime) -> String {
    rfc3339(date).filter { $0 != "-" && $0 != ":" }
}
