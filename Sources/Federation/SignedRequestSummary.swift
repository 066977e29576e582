package import Kernel
package import Text

/// What a signed AWS request shows of itself, the signature and the session's token left out.
package struct SignedRequestSummary: Equatable, Sendable {
    /// STS's, such as `sts.eu-central-1.amazonaws.com`.
    package let host: String
    /// The access key's id; no secret.
    package let keyID: String
    package let region: String
    /// `YYYYMMDDTHHMMSSZ`; STS accepts the request for 15 minutes around it.
    package let date: String

    /// Reads a serialized request as a subject token; `nil` if it is none.
    package init?(decoding token: Secret) {
        var bytes = token.bytes
        defer { wipe(&bytes) }
        // Google's token service takes it percent-encoded.
        if bytes.starts(with: "%7B".utf8) {
            let encoded = String(decoding: bytes, as: UTF8.self)
            wipe(&bytes)
            bytes = Array(percentDecoded(encoded).utf8)
        }
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes)
        } catch {
            return nil
        }
        func header(_ name: String) -> String? {
            json["headers"]?.array?.first { $0["key"]?.string == name }?["value"]?.string
        }
        guard let host = header("host"), let date = header("x-amz-date"),
            let credential = header("Authorization")?.split(separator: "=").dropFirst().first
        else { return nil }
        let scope = credential.prefix { $0 != "," }.split(separator: "/").map(String.init)
        guard scope.count == 5 else { return nil }
        self.host = host.printable
        self.date = date.printable
        keyID = scope[0].printable
        region = scope[2].printable
    }

    /// For people to read; only what is no secret.
    package var json: JSON {
        [
            "request": "GetCallerIdentity", "host": .string(host), "region": .string(region),
            "accessKeyId": .string(keyID), "date": .string(date),
        ]
    }

    /// For messages, reading after "the token: ".
    package var text: String {
        "a request to \(host), signed by the key \(keyID) at \(date)"
    }
}
