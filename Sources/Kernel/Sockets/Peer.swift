import CLinux
import Glibc

/// Who is at the other end of a Unix socket, as the kernel noted it when they connected. `unix(7)`
package struct Peer: Sendable {
    package let pid: Int32
    package let uid: UInt32
    package let gid: UInt32
    /// The name a peer bound itself to in the abstract namespace, without its leading NUL.
    package let abstractName: String?
}

/// The supplementary groups of a connected Unix socket's peer. `SO_PEERGROUPS`, `unix(7)`
/// - Throws: ``Errno``.
package func peerGroups(of socket: Int32) throws(Errno) -> [UInt32] {
    // The kernel's limit, NGROUPS_MAX.
    var groups = [UInt32](repeating: 0, count: 65_536)
    let count = try systemCall { unsafe wif_peer_groups(socket, &groups, Int32(groups.count)) }
    return Array(groups[..<Int(count)])
}

/// The user id that stands for those a user namespace does not know.
/// - Parameter path: where the kernel tells of it.
package func overflowUserID(at path: String = "/proc/sys/kernel/overflowuid") -> UInt32 {
    let usual: UInt32 = 65_534
    let raw = unsafe wif_openat(AT_FDCWD, path, O_RDONLY, 0)
    guard raw >= 0 else { return usual }
    let file = FileDescriptor(owning: raw)
    do throws(Errno) {
        let digits = try file.read(upTo: 16).prefix { $0 != UInt8(ascii: "\n") }
        return UInt32(String(decoding: digits, as: UTF8.self)) ?? usual
    } catch {
        return usual
    }
}

/// Who is at the other end of a connected Unix socket. `SO_PEERCRED`, `unix(7)`
/// - Throws: ``Errno``.
package func peerUser(of socket: Int32) throws(Errno) -> UInt32 {
    var (pid, uid, gid): (Int32, UInt32, UInt32) = (0, 0, 0)
    try systemCall { unsafe wif_peer_credentials(socket, &pid, &uid, &gid) }
    return uid
}

/// The primary group of whoever is at the other end of a connected Unix socket. `SO_PEERCRED`
/// - Throws: ``Errno``.
package func peerGroup(of socket: Int32) throws(Errno) -> UInt32 {
    var (pid, uid, gid): (Int32, UInt32, UInt32) = (0, 0, 0)
    try systemCall { unsafe wif_peer_credentials(socket, &pid, &uid, &gid) }
    return gid
}
