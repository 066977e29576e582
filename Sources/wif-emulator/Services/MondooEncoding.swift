import Federation
import Serving
import Text

/// How a message travels: JSON or protobuf, by the request's headers.
enum MondooEncoding: Sendable {
    case json, protobuf

    private static let protobufTypes = [
        "application/protobuf", "application/octet-stream", "application/grpc+proto",
    ]

    /// The request's encoding. Parameters are allowed, but only the bare name means protobuf.
    init(of request: HTTPServerRequest) throws(MondooError) {
        let accepted = MondooEncoding.protobufTypes + ["application/json", ""]
        guard accepted.contains(request.mediaType) else {
            throw MondooError(.invalidArgument, "the content type is not supported")
        }
        self.init(name: request.header("content-type"))
    }

    /// The reply's encoding, by `Accept`, else by the request's own.
    init(replyTo request: HTTPServerRequest) {
        self.init(name: request.header("accept") ?? request.header("content-type"))
    }

    private init(name: String?) {
        self = name.map(MondooEncoding.protobufTypes.contains) ?? false ? .protobuf : .json
    }

    /// A reply of string fields, numbered from 1 in the order given.
    func response(_ fields: [HTTPField]) -> HTTPServerResponse {
        switch self {
        case .json: return reply(200, fields.map { ($0.name, .string($0.value)) })
        case .protobuf:
            var bytes: [UInt8] = []
            for (index, field) in fields.enumerated() {
                append(field: index + 1, Array(field.value.utf8), to: &bytes)
            }
            return HTTPServerResponse(
                status: 200,
                headers: [HTTPField("Content-Type", "application/protobuf")],
                body: bytes
            )
        }
    }

    /// `google.rpc.Status`: field 1 `code`, field 2 `message`.
    func response(_ error: MondooError) -> HTTPServerResponse {
        switch self {
        case .json:
            return reply(
                error.code.status,
                [
                    ("code", .integer(Int64(error.code.rawValue))),
                    ("message", .string(error.message)),
                ]
            )
        case .protobuf:
            var bytes: [UInt8] = [0x08, UInt8(error.code.rawValue)]
            append(field: 2, Array(error.message.utf8), to: &bytes)
            return HTTPServerResponse(
                status: error.code.status,
                headers: [HTTPField("Content-Type", "application/protobuf")],
                body: bytes
            )
        }
    }

    /// JSON with the white space that Go's encoder strews in so that nobody compares strings.
    private func reply(_ status: Int, _ members: [(String, JSON)]) -> HTTPServerResponse {
        let space = Bool.random() ? " " : ""
        let text = members.map { name, value in
            "\"\(name)\":\(space)\(String(decoding: value.serialized(), as: UTF8.self))"
        }
        return HTTPServerResponse(
            status: status,
            text: "{\(text.joined(separator: "," + space))}",
            type: "application/json"
        )
    }

    private func append(field: Int, _ value: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(UInt8(field << 3 | 2))
        var length = value.count
        while length > 0x7F {
            bytes.append(UInt8(length & 0x7F) | 0x80)
            length >>= 7
        }
        bytes.append(UInt8(length))
        bytes += value
    }
}

/// The string fields of a protobuf message by number; `nil` for what is none. Others are skipped.
func protobufStrings(_ bytes: [UInt8]) -> [Int: String]? {
    var rest = bytes[...]
    var fields: [Int: String] = [:]
    while !rest.isEmpty {
        guard let key = varint(&rest) else { return nil }
        switch key & 7 {
        case 0: guard varint(&rest) != nil else { return nil }
        case 1, 5:
            let size = key & 7 == 1 ? 8 : 4
            guard rest.count >= size else { return nil }
            rest = rest.dropFirst(size)
        case 2:
            guard let length = varint(&rest), length <= rest.count else { return nil }
            fields[key >> 3] = String(validating: rest.prefix(length), as: UTF8.self)
            rest = rest.dropFirst(length)
        default: return nil
        }
    }
    return fields
}

private func varint(_ bytes: inout ArraySlice<UInt8>) -> Int? {
    var value = 0
    for shift in stride(from: 0, to: 56, by: 7) {
        guard let byte = bytes.popFirst() else { return nil }
        value |= Int(byte & 0x7F) << shift
        if byte < 0x80 { return value }
    }
    return nil
}
