import Federation
import Kernel
import Serving
import Text

extension Fault {
    /// The answer with the fault in it; the real answer is worked out only where it is wanted.
    func distort(
        _ answer: @Sendable () async -> HTTPServerResponse
    ) async -> HTTPServerResponse {
        if delay > 0 { try? await Task.sleep(for: .seconds(delay)) }
        var response: HTTPServerResponse
        if let made = made { response = made } else { response = await answer() }
        if let body { response.body = body }
        if let size, response.body.count < size {
            response.body += [UInt8](repeating: 0x20, count: size - response.body.count)
        }
        for (name, value) in headers {
            response.headers.removeAll { $0.name.lowercased() == name.lowercased() }
            if let value { response.headers.append(HTTPField(name, value)) }
            if name.lowercased() == "date", value == nil { response.isDated = false }
            // A length that is not the body's: the connection cannot go on after it.
            if name.lowercased() == "content-length" { response.closes = true }
        }
        response.takeOver = transmission(of: response)
        return response
    }

    private var made: HTTPServerResponse? {
        if let redirect {
            return HTTPServerResponse(
                status: status ?? 302,
                headers: [HTTPField("Location", redirect)]
            )
        }
        if let grpc {
            return .json(
                ["code": .integer(Int64(grpc)), "message": "a fault was asked for"],
                status: status ?? httpStatus(ofGRPC: grpc)
            )
        }
        return status.map { HTTPServerResponse(status: $0, text: "") }
    }

    private func transmission(
        of response: HTTPServerResponse
    ) -> (@Sendable (any ByteStream) async throws -> Void)? {
        let head = response.head()
        let body = response.body
        switch drop {
        case .beforeHeaders: return { _ in }
        case .afterHeaders: return { try await $0.write(head) }
        case .midBody: return { try await $0.write(head + body.prefix(body.count / 2)) }
        case nil: break
        }
        if isEndless { return endless(response) }
        guard let drip else { return nil }
        return { stream in
            try await stream.write(head)
            for byte in body {
                try await Task.sleep(for: .seconds(drip))
                try await stream.write([byte])
            }
        }
    }

    private func endless(
        _ response: HTTPServerResponse
    ) -> @Sendable (any ByteStream) async throws -> Void {
        var response = response
        response.headers.removeAll { $0.name.lowercased() == "content-length" }
        // Chunks without a last one: the only body that may go on for ever.
        response.headers.append(HTTPField("Transfer-Encoding", "chunked"))
        let head = response.head()
        let start = response.body.isEmpty ? [] : chunk(response.body)
        return { stream in
            try await stream.write(head + start)
            let filling = chunk([UInt8](repeating: 0x20, count: 65_536))
            while true { try await stream.write(filling) }
        }
    }
}

private func chunk(_ bytes: [UInt8]) -> [UInt8] {
    Array((String(bytes.count, radix: 16) + "\r\n").utf8) + bytes + Array("\r\n".utf8)
}
