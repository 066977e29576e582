import AWSSignature
import Crypto
import Federation
import FoundationEssentials
import Kernel
import Serving
import Synchronization
import Text

/// The metadata service of an EC2 instance, in version 2 alone.
struct AWSMetadata: Role {
    private static let tokenPath = "/latest/api/token"
    private static let role = "workload"

    let world: World
    private let token = randomHex(bytes: 28) + "=="

    init(world: World) {
        self.world = world
        world.note("metadata-token", from: RoleName.awsMetadata.rawValue, token)
    }

    var environment: [Variable] {
        guard world.options.awsCredentials == .metadata else {
            return [Variable("AWS_EC2_METADATA_DISABLED", "true")]
        }
        return [Variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", world.url(of: .awsMetadata))]
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path.hasPrefix("/latest/")
    }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        if request.path == Self.tokenPath { return answerToken(request) }
        guard request.method == "GET" else { return HTTPServerResponse(status: 405) }
        guard request.header("x-aws-ec2-metadata-token") == token else {
            return HTTPServerResponse(status: 401)
        }
        let data = "/latest/meta-data/"
        switch request.path {
        case data + "placement/region": return plain(world.options.awsRegion)
        case data + "placement/availability-zone": return plain(world.options.awsRegion + "a")
        case data + "iam/security-credentials/", data + "iam/security-credentials":
            return plain(Self.role)
        case data + "iam/security-credentials/" + Self.role: return credentials()
        default: return HTTPServerResponse(status: 404)
        }
    }

    private func answerToken(_ request: HTTPServerRequest) -> HTTPServerResponse {
        guard request.method == "PUT" else { return HTTPServerResponse(status: 405) }
        guard request.header("x-forwarded-for") == nil else {
            return HTTPServerResponse(status: 403)
        }
        let header = "x-aws-ec2-metadata-token-ttl-seconds"
        guard let seconds = request.header(header).flatMap({ Int($0) }),
            (1...21_600).contains(seconds)
        else { return HTTPServerResponse(status: 400) }
        guard world.options.awsHopLimit > 1 else { return HTTPServerResponse.lost }
        var response = plain(token)
        response.headers.append(HTTPField(header, String(seconds)))
        return response
    }

    private func credentials() -> HTTPServerResponse {
        let end = Double(world.clock.seconds + 6 * 3600)
        let (key, _) = world.sts.account.session(
            of: Self.role,
            named: "i-0123456789abcdef0",
            until: end
        )
        world.note(key, from: .awsMetadata)
        let reply: JSON = [
            "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": .string(key.id),
            "LastUpdated": .string(rfc3339(world.clock.now)),
            "SecretAccessKey": .string(key.secret.text),
            "Token": .string(key.sessionToken?.text ?? ""),
            "Expiration": .string(rfc3339(WallTime(secondsSinceEpoch: end))),
        ]
        return plain(String(decoding: reply.serialized(), as: UTF8.self))
    }

    private func plain(_ text: String) -> HTTPServerResponse {
        HTTPServerResponse(status: 200, text: text, type: "text/plain")
    }
}

extension HTTPServerResponse {
    /// An answer that does not arrive: its packets end at the first hop. The client waits in vain.
    fileprivate static var lost: HTTPServerResponse {
        var response = HTTPServerResponse(status: 200)
        response.takeOver = { stream in _ = try await stream.read(upTo: 1) }
        return response
    }
}
