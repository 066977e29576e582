import Crypto
import Federation
import Kernel
import Text

/// A Mondoo service account, as far as it signs calls.
struct MondooServiceAccount {
    /// Where its calls go.
    let endpoint: Endpoint
    private let mrn: String
    private let key: PrivateKey

    /// - Throws: ``Failure`` for a document that is none, reading after `name`.
    init(parsing document: Secret, _ name: String) throws(Failure) {
        var bytes = document.bytes
        defer { wipe(&bytes) }
        do {
            let json = try JSON(parsing: bytes)
            mrn = json["mrn"]?.string ?? ""
            key = try PrivateKey(pem: Secret(json["private_key"]?.string ?? ""))
            endpoint = try Endpoint(json["api_endpoint"]?.string ?? "")
        } catch {
            let reason = (error as? EndpointError).map { "its api_endpoint \($0.reason)" }
            throw Failure(
                .transient,
                at: .reply,
                "\(name) cannot be used: \(reason ?? "\(error)".printable)"
            )
        }
    }

    /// When the certificate in a service account's document ends.
    /// - Throws: ``Failure`` where it holds none.
    static func certificateEnd(in document: Secret) throws(Failure) -> WallTime {
        var bytes = document.bytes
        defer { wipe(&bytes) }
        do {
            let text = try JSON(parsing: bytes)["certificate"]?.string ?? ""
            return try Certificate(pem: Array(text.utf8)).notAfter
        } catch {
            throw Failure(.transient, at: .reply, "the credential has no certificate")
        }
    }

    /// What it signs for a call: one minute's token over the body's hash.
    /// - Throws: ``Failure`` where the key cannot sign.
    func bearer(for body: Secret, at date: WallTime) throws(Failure) -> Secret {
        let now = Int64(date.secondsSinceEpoch)
        let claims: JSON = [
            "sub": .string(mrn), "iss": "mondoo/ams", "iat": .integer(now),
            "nbf": .integer(now), "exp": .integer(now + 60),
            "chash": .string(hexadecimal(sha256(body.bytes))),
        ]
        do throws(CryptoError) {
            return Secret(
                try key.signJWS(payload: claims.serialized(), header: ["kid": mrn, "typ": "JWT"])
            )
        } catch {
            throw Failure(.transient, at: .reply, "the service account cannot sign: \(error)")
        }
    }
}
