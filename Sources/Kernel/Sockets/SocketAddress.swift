import Glibc

/// Where a stream socket listens or connects.
package enum SocketAddress: Equatable, Sendable, CustomStringConvertible {
    /// A numeric IPv4 or IPv6 address and a port.
    case tcp(host: String, port: UInt16)
    /// A path in the file system, at most 107 bytes. `unix(7)`
    case unix(path: String)

    /// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` (the IPv4 loopback) or `unix:/path`;
    /// `nil` for anything else.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            self = .unix(path: String(text.dropFirst(5)))
            return
        }
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if host == "localhost" { host = "127.0.0.1" }
        guard SocketAddress.isNumeric(host) else { return nil }
        self = .tcp(host: host, port: port)
    }

    /// As ``init(_:)`` reads it.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    private static func isNumeric(_ host: String) -> Bool {
        var four = in_addr()
        var six = in6_addr()
        return unsafe inet_pton(AF_INET, host, &four) == 1
            || inet_pton(AF_INET6, host, &six) == 1
    }
}

/// A new stream socket for the address's family, close-on-exec and non-blocking. `socket(2)`
func streamSocket(for address: SocketAddress) throws(Errno) -> FileDescriptor {
    let family =
        switch address {
        case .unix: AF_UNIX
        case .tcp(let host, _): host.contains(":") ? AF_INET6 : AF_INET
        }
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    return FileDescriptor(owning: try systemCall { Glibc.socket(family, type, 0) })
}

extension SocketAddress {
    /// Lends the address as the kernel wants it. `EINVAL` for what is no numeric address,
    /// `ENAMETOOLONG` for a path beyond `sun_path`.
    @unsafe func withSockaddr<Value>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Value
    ) throws(Errno) -> Value {
        switch self {
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
                throw Errno(ENAMETOOLONG)
            }
            unsafe withUnsafeMutableBytes(of: &address.sun_path) {
                unsafe $0.copyBytes(from: bytes)
            }
            return try unsafe lend(&address, body)
        case .tcp(let host, let port) where host.contains(":"):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            try unsafe parse(host, AF_INET6, into: &address.sin6_addr)
            return try unsafe lend(&address, body)
        case .tcp(let host, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            try unsafe parse(host, AF_INET, into: &address.sin_addr)
            return try unsafe lend(&address, body)
        }
    }

    /// The address a TCP socket is bound to; `nil` for other families. `getsockname(2)`
    static func local(of socket: Int32) throws(Errno) -> SocketAddress? {
        try unsafe tcp { unsafe getsockname(socket, $0, $1) }
    }

    /// The address of a TCP socket's peer; `nil` for other families. `getpeername(2)`
    package static func peer(of socket: Int32) throws(Errno) -> SocketAddress? {
        try unsafe tcp { unsafe getpeername(socket, $0, $1) }
    }

    private static func tcp(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(Errno) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try unsafe withUnsafeMutablePointer(to: &storage) { pointer throws(Errno) in
            try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                pointer throws(Errno) in
                _ = try systemCall { unsafe call(pointer, &length) }
            }
        }
        let family = Int32(storage.ss_family)
        return unsafe withUnsafeBytes(of: &storage) { bytes in
            switch family {
            case AF_INET:
                var address = unsafe bytes.load(as: sockaddr_in.self)
                return unsafe text(AF_INET, &address.sin_addr, port: address.sin_port)
            case AF_INET6:
                var address = unsafe bytes.load(as: sockaddr_in6.self)
                return unsafe text(AF_INET6, &address.sin6_addr, port: address.sin6_port)
            default: return nil
            }
        }
    }

    private static func text(
        _ family: Int32,
        _ address: UnsafeRawPointer,
        port: in_port_t
    ) -> SocketAddress? {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(family, address, &buffer, socklen_t(buffer.count)) != nil else {
            return nil
        }
        let host = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return .tcp(host: String(decoding: host, as: UTF8.self), port: UInt16(bigEndian: port))
    }
}

/// `inet_pton(3)`
@unsafe private func parse(
    _ host: String,
    _ family: Int32,
    into address: UnsafeMutableRawPointer
) throws(Errno) {
    guard unsafe inet_pton(family, host, address) == 1 else { throw Errno(EINVAL) }
}

@unsafe private func lend<Address, Value>(
    _ address: inout Address,
    _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Value
) throws(Errno) -> Value {
    try unsafe withUnsafePointer(to: &address) { pointer throws(Errno) in
        try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            pointer throws(Errno) in
            try unsafe body(pointer, socklen_t(MemoryLayout<Address>.size))
        }
    }
}
