/// The chunked transfer coding, read as it comes. RFC 9112 7.1
struct ChunkedBody: Sendable {
    private enum Stage {
        case size
        case data(Int)
        case dataEnd
        case trailers(Int)
    }

    private(set) var bytes: [UInt8] = []
    private var stage = Stage.size

    /// Takes what has come; answers whether the body is whole. Extensions and trailers are dropped.
    mutating func read(
        _ buffer: inout LineBuffer,
        limits: ServingLimits
    ) throws(HTTPRequestError) -> Bool {
        while true {
            switch stage {
            case .size:
                guard let line = try buffer.takeLine(limit: 256) else { return false }
                let size = try ChunkedBody.size(line)
                guard bytes.count + size <= limits.bodyBytes else { throw .bodyTooLarge }
                stage = size == 0 ? .trailers(0) : .data(size)
            case .data(let size):
                let count = min(size, buffer.count)
                bytes += buffer.take(count)
                guard count == size else {
                    stage = .data(size - count)
                    return false
                }
                stage = .dataEnd
            case .dataEnd:
                guard let line = try buffer.takeLine(limit: 2) else { return false }
                guard line.isEmpty else { throw .malformed("a chunk is longer than its size") }
                stage = .size
            case .trailers(let count):
                guard let line = try buffer.takeLine(limit: limits.headBytes - count) else {
                    return false
                }
                if line.isEmpty { return true }
                _ = try fields(parsing: [line], limits: limits)
                stage = .trailers(count + line.count + 2)
            }
        }
    }

    private static func size(_ line: ArraySlice<UInt8>) throws(HTTPRequestError) -> Int {
        let digits = line.prefix { hexDigit($0) != nil }
        let rest = line.dropFirst(digits.count).drop { $0 == 0x20 || $0 == 0x09 }
        guard 1...8 ~= digits.count, rest.isEmpty || rest.first == UInt8(ascii: ";"),
            rest.allSatisfy({ $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F })
        else { throw .malformed("a chunk's size is malformed") }
        return digits.reduce(0) { $0 << 4 | Int(hexDigit($1) ?? 0) }
    }
}
