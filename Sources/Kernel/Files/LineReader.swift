/// Lines out of a descriptor that delivers them in pieces. `read(2)`
///
/// However fast they come, other tasks go on in between.
package struct LineReader: ~Copyable {
    /// A line, or all that came, longer than the limit; the stream cannot be trusted any further.
    package struct TooLong: Error {
        package init() {}
    }

    private let descriptor: Int32
    private let limit: Int
    /// Bytes that may still be read.
    private var rest: Int
    private var buffer: [UInt8] = []
    /// Where the next line begins in the buffer.
    private var start = 0
    private var searched = 0

    /// - Parameters:
    ///   - descriptor: borrowed; non-blocking, or one that never blocks.
    ///   - limit: bytes of the longest line accepted.
    ///   - total: bytes that are read at all.
    package init(_ descriptor: Int32, limit: Int, total: Int = .max) {
        self.descriptor = descriptor
        self.limit = limit
        rest = total
    }

    /// The next line without its line feed; `nil` at the end. A last line without one counts.
    /// - Throws: ``Errno``, ``TooLong``, or `CancellationError`.
    package mutating func next() async throws -> [UInt8]? {
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffer[start..<end])
                start = end + 1
                searched = start
                await Turn.take()
                return line
            }
            dropTaken()
            if buffer.count > limit { throw TooLong() }
            let bytes = try await readSome(descriptor)
            if bytes.isEmpty {
                defer { (buffer, searched) = ([], 0) }
                return buffer.isEmpty ? nil : buffer
            }
            rest -= bytes.count
            if rest < 0 { throw TooLong() }
            buffer += bytes
        }
    }

    /// Once for many lines: what follows is moved to the beginning.
    private mutating func dropTaken() {
        buffer.removeFirst(start)
        start = 0
        searched = buffer.count
    }
}

/// Reads from a descriptor and forgets what comes, until its end; other tasks go on in between.
/// - Throws: ``LineReader/TooLong`` beyond the limit of bytes, ``Errno`` or `CancellationError`.
package func discardInput(of descriptor: Int32, limit: Int) async throws {
    var rest = limit
    while true {
        let count = try await readSome(descriptor).count
        if count == 0 { return }
        rest -= count
        if rest < 0 { throw LineReader.TooLong() }
    }
}

private func readSome(_ descriptor: Int32) async throws -> [UInt8] {
    while true {
        if let bytes = try unlessBlocked({ () throws(Errno) in
            try read(descriptor, upTo: 65_536)
        }) {
            await Turn.take()
            return bytes
        }
        try await Poller.shared.wait(for: descriptor, .reading)
    }
}
