import Glibc

/// Writes text to standard error, in its turn and without waiting for a reader: see ``ErrorStream``.
package func writeToStandardError(_ text: String) {
    ErrorStream.standard.write(Array(text.utf8))
}

/// Writes bytes to standard output.
/// - Throws: ``Errno``, such as `EPIPE` or `ENOSPC`.
package func writeToStandardOutput(_ bytes: [UInt8]) throws(Errno) {
    // On a terminal both are one: what was written first is seen first.
    ErrorStream.standard.flush(seconds: 0.2)
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = try systemCall {
            unsafe rest.withUnsafeBytes { unsafe Glibc.write(1, $0.baseAddress, $0.count) }
        }
        rest = rest.dropFirst(count)
    }
}

/// The next line of standard input, without its line feed; at most 4096 bytes.
package func standardInputLine() -> String {
    var line: [UInt8] = []
    do throws(Errno) {
        while line.count < 4096, let byte = try read(0, upTo: 1).first, byte != 0x0A {
            line.append(byte)
        }
    } catch {
        // What came before it counts.
    }
    return String(decoding: line, as: UTF8.self)
}

/// All of standard input.
/// - Throws: ``Errno``; ``Errno/tooLarge`` past the limit of bytes.
package func readStandardInput(limit: Int) throws(Errno) -> Secret {
    var content: [UInt8] = []
    defer { wipe(&content) }
    while content.count <= limit {
        let bytes = try read(0, upTo: 65_536)
        if bytes.isEmpty { return Secret(content) }
        content += bytes
    }
    throw .tooLarge
}

/// Whether the descriptor is a terminal. `isatty(3)`
package func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

/// Whether standard error is the stream that the journal reads (`JOURNAL_STREAM`, systemd.exec(5)).
package func isStandardErrorTheJournal(_ environment: [String: String]) -> Bool {
    var status = stat()
    guard let stream = environment["JOURNAL_STREAM"], unsafe fstat(2, &status) == 0 else {
        return false
    }
    return stream == "\(status.st_dev):\(status.st_ino)"
}
