import CLinux
import Glibc
import Synchronization

/// A listening stream socket. `listen(2)`
package final class Listener: Sendable {
    private let descriptor: FileDescriptor
    /// What a connection must leave to others; `nil` for a program that keeps nothing back.
    private let reserve: DescriptorReserve?
    private let isEnded = Atomic(false)

    /// Where it listens; for port 0 the port the kernel chose.
    package let address: SocketAddress

    /// Binds and listens. TCP sockets get `SO_REUSEADDR`; a path must not exist yet.
    ///
    /// - Parameters:
    ///   - reserve: descriptors that no connection may have.
    ///   - prepare: called with the bound socket before it listens, for owner and mode.
    /// - Throws: ``Errno`` of the call that failed, or of `prepare`.
    package init(
        _ address: SocketAddress,
        backlog: Int32 = 1024,
        reserve: DescriptorReserve? = nil,
        prepare: (Int32) throws(Errno) -> Void = { _ in }
    ) throws(Errno) {
        let socket = try streamSocket(for: address)
        if case .tcp = address {
            try setOption(socket.raw, SOL_SOCKET, SO_REUSEADDR, 1)
        }
        try unsafe address.withSockaddr { (pointer, length) throws(Errno) in
            _ = try systemCall { unsafe Glibc.bind(socket.raw, pointer, length) }
        }
        try prepare(socket.raw)
        try systemCall { Glibc.listen(socket.raw, backlog) }
        self.address = try SocketAddress.local(of: socket.raw) ?? address
        self.reserve = reserve
        descriptor = socket
    }

    /// Takes over a socket that listens already, as systemd hands them over.
    /// - Throws: ``Errno``; `EINVAL` for what is no listening stream socket.
    package init(
        owning socket: consuming FileDescriptor,
        reserve: DescriptorReserve? = nil
    ) throws(Errno) {
        guard try option(SO_TYPE, of: socket.raw) == Int32(SOCK_STREAM.rawValue),
            try option(SO_ACCEPTCONN, of: socket.raw) == 1
        else { throw Errno(EINVAL) }
        guard wif_set_nonblocking(socket.raw) == 0 else { throw Errno(errno) }
        address = try SocketAddress.local(of: socket.raw) ?? .unix(path: "")
        self.reserve = reserve
        descriptor = socket
    }

    /// The socket, for questions only; never to be closed by the borrower.
    package var raw: Int32 { descriptor.raw }

    /// Waits for a connection. One caller at a time; where connections always wait, other tasks go on
    /// in between. A connection that would have a descriptor of the reserve is closed.
    ///
    /// - Throws: ``Errno``, `EINVAL` after ``end()``, or `CancellationError` when the task is cancelled.
    package func accept() async throws -> SocketStream {
        while true {
            do throws(Errno) {
                var length: UInt32 = 0
                let socket = try systemCall { unsafe wif_accept(raw, nil, 0, &length) }
                let stream = connection(socket)
                try reserve?.check(socket)
                await Turn.take()
                return stream
            } catch {
                try await recover(from: error)
            }
        }
    }

    /// Takes no more connections; whoever waits for one is told.
    package func end() {
        isEnded.store(true, ordering: .releasing)
        _ = Glibc.shutdown(raw, Int32(SHUT_RDWR))
    }

    private func connection(_ socket: Int32) -> SocketStream {
        let descriptor = FileDescriptor(owning: socket)
        if case .tcp = address {
            // Small replies on connections that stay open must not wait for an acknowledgement.
            _ = try? setOption(socket, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        }
        return SocketStream(descriptor)
    }

    private func recover(from error: Errno) async throws {
        switch error.code {
        // One that was shut down is always ready, and has nothing to accept.
        case EAGAIN where isEnded.load(ordering: .acquiring): throw Errno(EINVAL)
        case EAGAIN: try await Poller.shared.waitPersistently(for: raw, .reading)
        // The peer left before it was accepted, or the network told of an error early. accept(2)
        case ECONNABORTED, EPROTO, EPERM, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH: break
        // It is no listening socket, or none any more.
        case EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP: throw error
        // Out of descriptors or memory: connections end by themselves, the queue waits. A security module
        // refuses one connection, and not those that follow.
        default: try await Alarms.shared.sleep(until: .now.advanced(bySeconds: 0.1))
        }
    }
}

/// Connects to a listening socket.
///
/// - Throws: ``Errno`` (`ECONNREFUSED`, `ENOENT`, …), or `CancellationError` when cancelled.
package func connect(to address: SocketAddress) async throws -> SocketStream {
    let socket = try streamSocket(for: address)
    do throws(Errno) {
        try unsafe address.withSockaddr { (pointer, length) throws(Errno) in
            _ = try systemCall { unsafe Glibc.connect(socket.raw, pointer, length) }
        }
    } catch {
        // A Unix socket answers EAGAIN for a full queue: there is nothing to wait for. connect(2)
        guard error.code == EINPROGRESS else { throw error }
        try await Poller.shared.wait(for: socket.raw, .writing)
        let outcome = try pendingError(of: socket.raw)
        guard outcome == 0 else { throw Errno(outcome) }
    }
    return SocketStream(socket)
}

private func pendingError(of socket: Int32) throws(Errno) -> Int32 {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    try systemCall { unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &value, &length) }
    return value
}

private func setOption(
    _ socket: Int32,
    _ level: Int32,
    _ name: Int32,
    _ value: Int32
) throws(Errno) {
    var value = value
    try systemCall {
        unsafe setsockopt(socket, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
