/// Lines out of pieces. A line over the limit is dropped as it comes, and the next one found again.
package struct LineSplitter {
    /// A line of input.
    package enum Line: Equatable {
        case whole([UInt8])
        /// Its beginning, in which its id may stand.
        case tooLong(beginning: [UInt8])
    }

    private let limit: Int
    private var buffer: [UInt8] = []
    private var beginning: [UInt8]?

    private static let kept = 4096

    /// - Parameter limit: bytes of the longest line taken, its line feed not counted.
    package init(limit: Int) {
        self.limit = limit
    }

    /// The lines that the piece completes; blank ones are left out.
    package mutating func take(_ piece: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var rest = piece[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            append(rest[..<end])
            if let line = finish() { lines.append(line) }
            rest = rest[(end + 1)...]
        }
        append(rest)
        return lines
    }

    /// The last line, where the input ended without a line feed.
    package mutating func finish() -> Line? {
        defer { (buffer, beginning) = ([], nil) }
        if let beginning { return .tooLong(beginning: beginning) }
        let isBlank = buffer.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        return isBlank ? nil : .whole(buffer)
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard beginning == nil else { return }
        buffer += bytes
        if buffer.count > limit {
            beginning = Array(buffer.prefix(Self.kept))
            buffer = []
        }
    }
}
