/// Lines out of a descriptor that delivers them in pieces. `read(2)`
package struct LineReader: ~Copyable {
    /// A line longer than the limit; the stream cannot be trusted any further.
    package struct TooLong: Error {}

    private let descriptor: Int32
    private let limit: Int
    private var buffer: [UInt8] = []
    private var searched = 0

    /// - Parameters:
    ///   - descriptor: borrowed; non-blocking, or one that never blocks.
    ///   - limit: bytes of the longest line accepted.
    package init(_ descriptor: Int32, limit: Int) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// The next line without its line feed; `nil` at the end. A last line without one counts.
    /// - Throws: ``Errno``, ``TooLong``, or `CancellationError`.
    package mutating func next() async throws -> [UInt8]? {
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffer[..<end])
                buffer.removeFirst(end + 1)
                searched = 0
                return line
            }
            searched = buffer.count
            if buffer.count > limit { throw TooLong() }
            let bytes = try await readSome()
            if bytes.isEmpty {
                defer { (buffer, searched) = ([], 0) }
                return buffer.isEmpty ? nil : buffer
            }
            buffer += bytes
        }
    }

    private func readSome() async throws -> [UInt8] {
        let descriptor = descriptor
        while true {
            if let bytes = try unlessBlocked({ () throws(Errno) in
                try read(descriptor, upTo: 65_536)
            }) {
                return bytes
            }
            try await Poller.shared.wait(for: descriptor, .reading)
        }
    }
}
