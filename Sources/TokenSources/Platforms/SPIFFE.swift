import Federation
import HTTP
import Kernel
import Text

/// A JWT-SVID: of the Workload API, or from a file that a helper keeps fresh.
struct SPIFFE: TokenFetcher {
    let source: SPIFFESource

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        switch source {
        case .file(let path):
            let token = try TokenFile(path: path, format: .text).token()
            return try checked(SubjectToken(token, source: context.source), path.printable)
        case .workloadAPI(let socket, let id):
            let api = WorkloadAPI(socket: try path(of: socket, context), id: id)
            let token = SubjectToken(try await api.token(context), source: context.source)
            return try checked(token, api.place)
        }
    }

    private static let variable = "SPIFFE_ENDPOINT_SOCKET"

    private func path(
        of socket: String?,
        _ context: SourceContext
    ) throws(SourceError) -> String {
        if let socket { return socket }
        guard let endpoint = context.variable(Self.variable) else {
            throw SourceError(
                .noSource,
                "\(Self.variable) is not set",
                hint: "set \(Self.variable) to the socket of the SPIFFE agent (unix:///PATH), or"
                    + " credentialSource.socket to its path; for a JWT-SVID in a file set"
                    + " credentialSource.path",
                isAbsent: true
            )
        }
        guard let path = SPIFFESource.socket(ofEndpoint: endpoint) else {
            throw SourceError(
                .misconfigured,
                "\(Self.variable) is not a Unix socket: \(endpoint.printable)",
                hint: "write unix:///PATH; TCP is not supported"
            )
        }
        return path
    }

    private func checked(_ token: SubjectToken, _ place: String) throws(SourceError) -> SubjectToken
    {
        guard let claims = token.claims else {
            throw SourceError(
                .noSource,
                "\(place) holds \(token.value.count) bytes that are not a JWT",
                hint: "an X.509-SVID cannot be exchanged; have the helper write a JWT-SVID"
            )
        }
        guard claims.issuer != nil else {
            throw SourceError(
                .noSource,
                "\(place) holds a JWT-SVID without iss, which no service can trust",
                hint: "set jwt_issuer in the SPIRE server's configuration, and serve its discovery"
            )
        }
        return token
    }
}

/// SPIFFE's Workload API on a Unix socket: the one call FetchJWTSVID, in gRPC.
/// https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Workload_API.md
private struct WorkloadAPI {
    let socket: String
    /// The SPIFFE ID that is wanted; any where absent.
    let id: String?

    var place: String { "the Workload API at \(socket.printable)" }

    func token(_ context: SourceContext) async throws(SourceError) -> Secret {
        try context.checkUnixSocket(
            socket,
            hint: "start the SPIRE agent; or correct the socket's path, in the account file or in"
                + " SPIFFE_ENDPOINT_SOCKET; in a container or pod mount the socket's directory"
        )
        let request = try request(context)
        return try await context.retrying(.platform) { () async throws(SourceError) in
            do throws(SourceError) {
                return try token(in: try await context.ask(request))
            } catch {
                guard error.class == .transient, error.isBroken || error.isUnreached else {
                    throw error
                }
                var error = error
                error.hint =
                    error.isUnreached
                    ? "nobody listens at \(socket.printable) any more: start the SPIRE agent (or whatever serves the"
                        + " Workload API there); in a container mount the socket's folder and not the socket, which"
                        + " a new agent makes anew"
                    : "whoever listens at \(socket.printable) does not speak the Workload API (gRPC): it must be the"
                        + " agent's public socket (SPIRE: socket_path, agent.sock), not its admin socket or another"
                        + " program's; if it is, see its log"
                throw error
            }
        }
    }

    private func request(_ context: SourceContext) throws(SourceError) -> HTTPRequest {
        var message = ProtobufMessage()
        message.add(1, try context.requiredAudience())
        if let id { message.add(2, id) }
        var request = HTTPRequest(
            "POST",
            "http://localhost/SpiffeWorkloadAPI/FetchJWTSVID",
            headers: [
                HTTPHeader("Content-Type", "application/grpc"), HTTPHeader("TE", "trailers"),
                // Without it the API refuses: what a browser could be made to send.
                HTTPHeader("workload.spiffe.io", "true"),
            ],
            body: Secret(message.framed),
            trust: context.trust,
            connectTimeout: ConnectTimeout.near
        )
        request.unixSocket = socket
        request.speaksHTTP2 = true
        return request
    }

    // MARK: Reply

    private func token(in response: HTTPResponse) throws(SourceError) -> Secret {
        let fields = response.trailers + response.headers
        let status = fields.first { $0.name == "grpc-status" }.flatMap { Int($0.value) }
        guard response.status == 200, status == 0 else {
            let text = fields.first { $0.name == "grpc-message" }?.value ?? ""
            throw refusal(response.status, status, percentDecoded(text).printable)
        }
        guard let message = ProtobufMessage(framed: response.body.bytes),
            let svid = message.messages(1)?.first, let token = svid.text(2), !token.isEmpty
        else {
            throw SourceError(.noSource, "\(place) answered with something else than a JWT-SVID")
        }
        return Secret(token)
    }

    /// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
    private func refusal(_ status: Int, _ code: Int?, _ text: String) -> SourceError {
        let said = text.isEmpty ? "" : ": \(text)"
        switch code {
        case 7:
            // The workload may have been registered a moment ago: the standard has clients try again.
            return SourceError(
                .noSource,
                "\(place) has no identity for this workload (PERMISSION_DENIED)\(said)",
                hint: "register the workload, by the user that runs wif-exchange: user"
                    + " \(userDescription(effectiveUserID()))",
                retry: .growing(from: 1)
            )
        case 3: return SourceError(.misconfigured, "\(place) refuses the request\(said)")
        case 12:
            return SourceError(
                .misconfigured,
                "\(place) has no FetchJWTSVID: another program than a Workload API listens there",
                hint: "name the socket of the agent's Workload API, and not of another of its APIs"
            )
        case 1, 2, 4, 8, 10, 13, 14:
            return SourceError(
                code == 8 ? .throttled : .transient,
                "gRPC status \(code ?? 0)\(said)",
                at: place,
                retry: .growing(from: 1)
            )
        case let code?:
            return SourceError(.noSource, "gRPC status \(code)\(said)", at: place)
        case nil:
            return SourceError(
                .noSource,
                "\(place) answered with HTTP status \(status) and no gRPC status",
                hint:
                    "name the socket of the agent's Workload API: another server listens at this one"
            )
        }
    }
}

/// A Protocol Buffers message of length-delimited fields, as the Workload API's are.
/// https://protobuf.dev/programming-guides/encoding/
struct ProtobufMessage {
    private var bytes: [UInt8] = []

    init() {}

    /// Adds a text.
    mutating func add(_ field: Int, _ text: String) {
        append(UInt64(field << 3 | 2))
        append(UInt64(text.utf8.count))
        bytes += text.utf8
    }

    /// The message with gRPC's prefix: not compressed, and its length.
    var framed: [UInt8] {
        let length = UInt32(bytes.count)
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + bytes
    }

    /// `nil` for what is not one whole message that is not compressed.
    init?(framed: [UInt8]) {
        guard framed.count >= 5, framed[0] == 0 else { return nil }
        let length = framed[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard length == framed.count - 5 else { return nil }
        bytes = Array(framed[5...])
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The fields of that number as messages; `nil` where the bytes are no message.
    func messages(_ field: Int) -> [ProtobufMessage]? {
        fields()?.filter { $0.number == field }.map { ProtobufMessage($0.content) }
    }

    /// The last field of that number as text.
    func text(_ field: Int) -> String? {
        fields()?.last { $0.number == field }
            .flatMap { String(validating: $0.content, as: UTF8.self) }
    }

    private mutating func append(_ varint: UInt64) {
        var rest = varint
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// The length-delimited fields; others are skipped.
    private func fields() -> [(number: Int, content: [UInt8])]? {
        var rest = bytes[...]
        var fields: [(number: Int, content: [UInt8])] = []
        while !rest.isEmpty {
            guard let tag = Self.varint(&rest) else { return nil }
            let length: Int
            switch tag & 7 {
            case 0:
                guard Self.varint(&rest) != nil else { return nil }
                continue
            case 1: length = 8
            case 2:
                guard let stated = Self.varint(&rest), stated <= UInt64(rest.count) else {
                    return nil
                }
                length = Int(stated)
            case 5: length = 4
            default: return nil
            }
            guard length <= rest.count else { return nil }
            if tag & 7 == 2, tag >> 3 <= 0x1FFF_FFFF {
                fields.append((Int(tag >> 3), Array(rest.prefix(length))))
            }
            rest = rest.dropFirst(length)
        }
        return fields
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0 as UInt64, to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
