import CLinux
import Glibc

/// An open descriptor with one owner: closed when it goes out of scope. `close(2)`
package struct FileDescriptor: ~Copyable, Sendable {
    /// For system calls during the owner's life; never to be closed by the borrower.
    package let raw: Int32

    /// Takes ownership of an open descriptor.
    package init(owning raw: Int32) {
        self.raw = raw
    }

    deinit {
        _ = Glibc.close(raw)
    }

    /// Gives up ownership without closing.
    package consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }

    /// Reads up to `count` bytes; an empty array is the end. `read(2)`
    package borrowing func read(upTo count: Int) throws(Errno) -> [UInt8] {
        try Kernel.read(raw, upTo: count)
    }

    /// Writes all bytes, waiting as long as it takes (for blocking descriptors). `write(2)`
    package borrowing func writeAll(_ bytes: RawSpan) throws(Errno) {
        var done = 0
        while done < bytes.byteCount {
            let rest = bytes.extracting(done..<bytes.byteCount)
            done += try Kernel.write(raw, rest)
        }
    }
}

/// Reads up to `count` bytes from a borrowed descriptor; an empty array is the end. `read(2)`
package func read(_ descriptor: Int32, upTo count: Int) throws(Errno) -> [UInt8] {
    var failure: Errno?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
        do throws(Errno) {
            used = try systemCall {
                unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            }
        } catch {
            failure = error
        }
    }
    if let failure { throw failure }
    return bytes
}

/// Writes what the descriptor takes now; answers how many bytes that were. `write(2)`
package func write(_ descriptor: Int32, _ bytes: RawSpan) throws(Errno) -> Int {
    try unsafe bytes.withUnsafeBytes { buffer throws(Errno) in
        try systemCall { unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count) }
    }
}

/// A pipe, both ends close-on-exec. `pipe2(2)`
package struct Pipe: ~Copyable {
    package let reading: FileDescriptor
    package let writing: FileDescriptor

    package init() throws(Errno) {
        var ends: [Int32] = [-1, -1]
        try systemCall { unsafe wif_pipe(&ends) }
        reading = FileDescriptor(owning: ends[0])
        writing = FileDescriptor(owning: ends[1])
    }
}

extension Pipe {
    /// Gives the reading end away and closes the other.
    package consuming func takeReading() -> FileDescriptor { reading }

    /// Gives the writing end away and closes the other.
    package consuming func takeWriting() -> FileDescriptor { writing }

    /// Gives up ownership of both ends without closing.
    package consuming func release() -> (reading: Int32, writing: Int32) {
        (reading.release(), writing.release())
    }
}

/// A descriptor that several owners hold; closed when the last of them goes.
package final class SendableDescriptor: Sendable {
    private let descriptor: FileDescriptor

    /// Takes ownership and switches to non-blocking mode.
    /// - Throws: ``Errno``.
    package init(nonBlocking descriptor: consuming FileDescriptor) throws(Errno) {
        let raw = descriptor.raw
        self.descriptor = descriptor
        try systemCall { wif_set_nonblocking(raw) }
    }

    /// Borrowed: never to be closed.
    package var raw: Int32 { descriptor.raw }
}

/// Writes all bytes to a non-blocking descriptor, waiting as it takes them. `write(2)`
/// - Throws: ``Errno`` or `CancellationError`.
package func writeAll(_ bytes: [UInt8], to descriptor: Int32) async throws {
    var done = 0
    while done < bytes.count {
        let start = done
        if let written = try unlessBlocked({ () throws(Errno) in
            try systemCall {
                unsafe bytes.withUnsafeBytes { buffer in
                    unsafe Glibc.write(
                        descriptor,
                        buffer.baseAddress.map { unsafe $0 + start },
                        bytes.count - start
                    )
                }
            }
        }) {
            done += written
            await Turn.take()
        } else {
            try await Poller.shared.wait(for: descriptor, .writing)
        }
    }
}

/// A second descriptor for the same open file, close-on-exec. `fcntl(2)`, `F_DUPFD_CLOEXEC`
/// - Throws: ``Errno``.
package func duplicate(_ descriptor: Int32) throws(Errno) -> FileDescriptor {
    FileDescriptor(owning: try systemCall { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) })
}
