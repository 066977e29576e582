import Glibc

/// Bytes both ways over a connection, with back-pressure. One reader and one writer at a time.
package protocol ByteStream: Sendable {
    /// Reads what is there, at most `count` bytes, waiting for the first; an empty array is the end.
    /// - Throws: ``Errno``, or `CancellationError` when the task is cancelled.
    func read(upTo count: Int) async throws -> [UInt8]

    /// Writes all the bytes, waiting as the peer takes them.
    /// - Throws: ``Errno``, or `CancellationError` when the task is cancelled.
    func write(_ bytes: [UInt8]) async throws

    /// Ends the connection; the descriptor closes with the stream's last reference.
    func close()
}

/// A connected non-blocking socket as a ``ByteStream``.
package final class SocketStream: ByteStream {
    private let descriptor: FileDescriptor

    /// Takes ownership of a connected socket that is in non-blocking mode.
    package init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// The socket, for questions such as who the peer is; never to be closed by the borrower.
    package var raw: Int32 { descriptor.raw }

    package func read(upTo count: Int) async throws -> [UInt8] {
        while true {
            if let bytes = try unlessBlocked({ () throws(Errno) in
                try Kernel.read(descriptor.raw, upTo: count)
            }) {
                await Turn.take()
                return bytes
            }
            try await Poller.shared.wait(for: descriptor.raw, .reading)
        }
    }

    package func write(_ bytes: [UInt8]) async throws {
        var done = 0
        while done < bytes.count {
            if let sent = try unlessBlocked({ () throws(Errno) in
                try send(descriptor.raw, bytes, from: done)
            }) {
                done += sent
                await Turn.take()
            } else {
                try await Poller.shared.wait(for: descriptor.raw, .writing)
            }
        }
    }

    package func close() {
        _ = Glibc.shutdown(descriptor.raw, Int32(SHUT_RDWR))
    }

    /// Says that nothing more is written; the peer may still be read from. `shutdown(2)`
    package func endWriting() {
        _ = Glibc.shutdown(descriptor.raw, Int32(SHUT_WR))
    }
}

/// Sends what the socket takes now, without SIGPIPE; answers how many bytes that were. `send(2)`
package func send(_ socket: Int32, _ bytes: [UInt8], from start: Int) throws(Errno) -> Int {
    try systemCall {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe Glibc.send(
                socket,
                buffer.baseAddress.map { unsafe $0 + start },
                buffer.count - start,
                Int32(MSG_NOSIGNAL)
            )
        }
    }
}

/// The call's value; `nil` where a non-blocking descriptor would have to wait (`EAGAIN`).
package func unlessBlocked<Value>(_ call: () throws(Errno) -> Value) throws(Errno) -> Value? {
    do {
        return try call()
    } catch {
        if error == .wouldBlock { return nil }
        throw error
    }
}
