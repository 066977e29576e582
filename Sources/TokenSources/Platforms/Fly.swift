internal import Federation
internal import HTTP
internal import Kernel
internal import Text

/// A Fly.io machine's token, from the API on its own socket.
struct Fly: TokenFetcher {
    static let name = TokenPlatform.fly.rawValue

    let socket: String

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        do throws(Errno) {
            _ = try FileFacts(at: socket)
        } catch {
            throw SourceError(
                .noSource,
                "\(socket.printable): \(error)",
                hint: "the socket is there on Fly.io's machines only",
                isAbsent: true
            )
        }
        guard context.connectsUnixSockets else {
            throw SourceError(
                .misconfigured,
                "\(socket.printable) cannot be connected to: this worker connects to no Unix socket",
                hint:
                    "start it as wif-exchange --unix-sockets; the one behind a socket is started by"
                    + " its unit"
            )
        }
        var request = HTTPRequest(
            posting: ["aud": .string(try context.requiredAudience())],
            to: "http://localhost/v1/tokens/oidc",
            headers: [],
            trust: context.trust,
            connectTimeout: ConnectTimeout.near
        )
        request.unixSocket = socket
        return try await TokenService(source: Self.name, request: request).subjectToken(context)
    }
}
