import AWSSignature
import Crypto
import Federation
import HTTP
import Kernel
import Text

/// A key of an AWS identity, and which way it was found.
struct AWSCredentials: Sendable {
    let key: AWSKey
    /// Such as `environment` or `profile x`, for messages.
    let origin: String
}

extension AWSCredentials {
    /// What the key of the variables is called.
    static let ofVariables = "environment"

    /// A refusal of the key itself, with where the key is from: another one may be meant.
    func explained(_ error: SourceError, isProfileNamed: Bool) -> SourceError {
        let codes = [
            "InvalidClientTokenId", "ExpiredToken", "SignatureDoesNotMatch", "UnrecognizedClient",
        ]
        guard let code = error.code, codes.contains(code), let old = error.hint else {
            return error
        }
        var error = error
        let length = key.secret.count
        if origin == Self.ofVariables, code == "SignatureDoesNotMatch", length != 40 {
            error.hint =
                "AWS_SECRET_ACCESS_KEY has \(length) characters, and AWS's secret keys have 40: set it anew, whole, with the"
                + " one that belongs to \(key.id.printable); or unset both, so that the role of the machine, task or pod is"
                + " used"
        } else if origin == Self.ofVariables, code == "ExpiredToken" {
            error.hint =
                "the session of AWS_SESSION_TOKEN in the environment has ended: unset AWS_ACCESS_KEY_ID,"
                + " AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, so that the role of the machine, task or pod is used; or set"
                + " the three of a new session (they last some hours)"
        } else if origin == Self.ofVariables {
            let token = key.sessionToken == nil ? "" : " and AWS_SESSION_TOKEN"
            error.hint =
                "the key \(key.id.printable) is that of the variable AWS_ACCESS_KEY_ID, which comes before every"
                + " other: unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY\(token), so that the role of the"
                + " machine, task or pod is used; only if this key is meant: \(old)"
        } else if origin.hasPrefix("the profile") {
            let file = "AWS's shared files (~/.aws/credentials, ~/.aws/config)"
            error.hint =
                "the key \(key.id.printable) is that of \(origin) in \(file): correct it there, or remove it"
                + "\(isProfileNamed ? " and credentialSource.profile" : ""), so that the role of the machine is used;"
                + " \(old)"
        }
        return error
    }

    /// From the reply of a metadata service or a program.
    /// - Throws: where a member is missing; the values are never quoted.
    init(
        _ json: JSON,
        tokenMember: String,
        origin: String,
        at place: String
    ) throws(SourceError) {
        guard let id = json["AccessKeyId"]?.string, !id.isEmpty,
            let secret = json["SecretAccessKey"]?.string, !secret.isEmpty
        else {
            throw SourceError(
                .noSource,
                "the reply has no AccessKeyId or no SecretAccessKey",
                at: place
            )
        }
        try self.init(
            id: id,
            secret: secret,
            sessionToken: json[tokenMember]?.string,
            origin: origin,
            at: place
        )
    }

    /// - Throws: where a value cannot stand in a header. None is quoted.
    init(
        id: String,
        secret: String,
        sessionToken: String?,
        origin: String,
        at place: String
    ) throws(SourceError) {
        let token = sessionToken.flatMap { $0.isEmpty ? nil : $0 }
        for value in [id, token ?? ""] {
            guard value.utf8.isVisibleASCII else {
                throw SourceError(
                    .misconfigured,
                    "a key or token holds characters that it cannot have",
                    at: place
                )
            }
        }
        self.key = AWSKey(
            id: id,
            secret: Secret(secret),
            sessionToken: token.map { Secret($0) }
        )
        self.origin = origin
    }
}

extension HTTPResponse {
    /// The body as JSON.
    /// - Throws: where it is none; nothing of it is quoted.
    func json(at place: String) throws(SourceError) -> JSON {
        do throws(JSONError) {
            return try JSON(parsing: body.bytes)
        } catch {
            throw SourceError(
                .transient,
                "the reply is not JSON: \(error.reason)",
                at: place,
                retry: .growing(from: 1)
            )
        }
    }
}
