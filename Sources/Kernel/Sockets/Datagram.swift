import Glibc

/// Sends one datagram to a Unix socket: a path, or with a leading `@` a name in the abstract
/// namespace, as `NOTIFY_SOCKET` gives it. `unix(7)`, `sendto(2)`
/// - Throws: ``Errno``.
package func sendDatagram(_ bytes: [UInt8], to name: String) throws(Errno) {
    let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
    let socket = FileDescriptor(owning: try systemCall { Glibc.socket(AF_UNIX, kind, 0) })
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = Array(name.utf8)
    let start = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
    guard path.count < MemoryLayout.size(ofValue: address.sun_path) else {
        throw Errno(ENAMETOOLONG)
    }
    unsafe withUnsafeMutableBytes(of: &address) { buffer in
        for (index, byte) in path.enumerated() {
            let isAbstract = index == 0 && byte == UInt8(ascii: "@")
            unsafe buffer[start + index] = isAbstract ? 0 : byte
        }
    }
    // An abstract name ends with the address' length, a path with a zero byte.
    let length = socklen_t(start + path.count + (path.first == UInt8(ascii: "@") ? 0 : 1))
    try systemCall {
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bytes.withUnsafeBytes { buffer in
                    unsafe sendto(
                        socket.raw,
                        buffer.baseAddress,
                        buffer.count,
                        Int32(MSG_NOSIGNAL),
                        generic,
                        length
                    )
                }
            }
        }
    }
}
