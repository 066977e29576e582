/// Bytes that arrived and have not been read yet, with lines that end in CR LF.
struct LineBuffer: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0
    // Where the search for the end of a line goes on, so that no byte is looked at twice.
    private var searched = 0

    var count: Int { bytes.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ more: [UInt8]) {
        if start > 0 {
            bytes.removeFirst(start)
            searched -= start
            start = 0
        }
        bytes += more
    }

    mutating func take(_ count: Int) -> [UInt8] {
        defer { skip(count) }
        return Array(bytes[start..<(start + count)])
    }

    mutating func skip(_ count: Int) {
        start += count
        searched = start
    }

    /// - Returns: whether there was one.
    mutating func dropLeadingLineEnd() -> Bool {
        guard bytes[start...].starts(with: [0x0D, 0x0A]) else { return false }
        skip(2)
        return true
    }

    /// The next line without its end; `nil` until it is whole.
    ///
    /// - Throws: for a line feed without its carriage return, or the reverse, and beyond the limit.
    mutating func takeLine(limit: Int) throws(HTTPRequestError) -> ArraySlice<UInt8>? {
        guard let end = try findLineEnd(from: start, limit: start + limit) else { return nil }
        let line = bytes[start..<end]
        skip(end + 2 - start)
        return line
    }

    /// The lines up to an empty one, which is taken too; `nil` until that has come.
    mutating func takeHead(limit: Int) throws(HTTPRequestError) -> [ArraySlice<UInt8>]? {
        // Lines are looked for again from the start only once the empty line is there.
        guard try findHeadEnd(limit: start + limit) else { return nil }
        var lines: [ArraySlice<UInt8>] = []
        while let line = try takeLine(limit: limit), !line.isEmpty { lines.append(line) }
        return lines
    }

    private mutating func findHeadEnd(limit: Int) throws(HTTPRequestError) -> Bool {
        while let feed = bytes[max(searched, start)...].firstIndex(of: 0x0A) {
            guard feed < limit else { throw .fieldsTooLarge }
            guard feed > start, bytes[feed - 1] == 0x0D else {
                throw .malformed("a line does not end in CR LF")
            }
            searched = feed + 1
            let isEmptyLine = feed - 1 == start || bytes[feed - 2] == 0x0A
            if isEmptyLine { return true }
        }
        searched = bytes.count
        guard bytes.count < limit else { throw .fieldsTooLarge }
        return false
    }

    private mutating func findLineEnd(
        from start: Int,
        limit: Int
    ) throws(HTTPRequestError) -> Int? {
        let found = bytes[start...].firstIndex { $0 == 0x0A || $0 == 0x0D }
        guard found ?? bytes.count < limit else { throw .fieldsTooLarge }
        guard let found else { return nil }
        guard bytes[found] == 0x0D else { throw .malformed("a line does not end in CR LF") }
        guard found + 1 < bytes.count else { return nil }
        guard bytes[found + 1] == 0x0A else { throw .malformed("a line does not end in CR LF") }
        return found
    }
}
