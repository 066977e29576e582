import Crypto
import Federation
import FoundationEssentials
import Serving
import Synchronization
import Text

/// Azure Arc's agent: it names a file, and answers who has read it.
final class AzureArc: Role {
    private static let path = "/metadata/identity/oauth2/token"

    private let world: World
    private let keys = Mutex<[String: String]>([:])

    init(world: World) {
        self.world = world
    }

    var environment: [Variable] {
        let url = world.url(of: .azureArc)
        return [
            Variable("IDENTITY_ENDPOINT", url + Self.path), Variable("IMDS_ENDPOINT", url),
        ]
    }

    func owns(_ request: HTTPServerRequest) -> Bool { request.path == Self.path }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.header("metadata") == "true" else {
            return .oauthError(400, "bad_request_102", "the header Metadata: true is missing")
        }
        guard let proof = request.authorization("basic") else { return challenge() }
        guard let file = keys.withLock({ $0.removeValue(forKey: proof) }) else {
            return .oauthError(401, "unauthorized", "the key is wrong or was used before")
        }
        // It may be gone already.
        try? FileManager.default.removeItem(atPath: file)
        let response = try world.azureTokens.answer(request.query, from: .azureArc, in: world)
        guard response.status == 200, let reply = reply(response, request) else { return response }
        return reply
    }

    /// The selector comes back in the reply, which shows that it was heeded.
    private func reply(
        _ response: HTTPServerResponse,
        _ request: HTTPServerRequest
    ) -> HTTPServerResponse? {
        guard var members = (try? JSON(parsing: response.body))?.object else { return nil }
        for name in ["client_id", "object_id", "msi_res_id"] {
            if let value = request.query[name] { members[name] = .string(value) }
        }
        return .json(.object(members))
    }

    private func challenge() -> HTTPServerResponse {
        let directory = world.options.arcDirectory
        let file = "\(directory)/\(randomHex(bytes: 16)).key"
        let key = randomHex(bytes: 32)
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true
            )
            try Data(key.utf8).write(to: URL(filePath: file))
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        } catch {
            return .oauthError(500, "unknown", "the key file cannot be written: \(error)")
        }
        world.note("request-token", from: "azure-arc", key)
        keys.withLock { $0[key] = file }
        return HTTPServerResponse(
            status: 401,
            headers: [HTTPField("WWW-Authenticate", "Basic realm=\(file)")],
            body: []
        )
    }
}
