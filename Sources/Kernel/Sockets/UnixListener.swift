import CLinux
import Glibc

/// A listening Unix stream socket that says who connects. Nothing here blocks.
package final class UnixListener: Sendable {
    /// A peer that has connected.
    package struct Connection: ~Copyable {
        package let descriptor: FileDescriptor
        package let peer: Peer

        /// Parts with the peer's description and keeps the descriptor.
        package consuming func takeDescriptor() -> FileDescriptor { descriptor }
    }

    /// Where a socket of its own stands, and which file it is.
    private struct Place {
        let directory: Directory
        let name: String
        let facts: FileFacts
    }

    private let descriptor: FileDescriptor
    /// `nil` for a socket that was handed over.
    private let place: Place?
    /// The socket file's owner; `nil` for a socket that was handed over and has no file.
    package let owner: UInt32?

    /// Binds and listens, then sets owner and mode: whoever waits for the file, and may use it, is not
    /// refused. A stale socket file is replaced.
    ///
    /// - Throws: ``PathError``; a socket that a live process serves, or a file that is no socket, is
    ///   refused, as is a path beyond the 107 bytes that clients can give.
    package init(
        binding name: String,
        in directory: Directory,
        mode: UInt32,
        owner: UInt32? = nil,
        group: UInt32? = nil,
        backlog: Int32 = 4096
    ) throws(PathError) {
        let path = directory.path(of: name)
        guard path.utf8.count <= 107 else {
            let hint = "clients can give a socket's path in at most 107 bytes"
            throw PathError(path, "is too long for a socket", hint: hint)
        }
        try clearTheWay(name, in: directory)
        let socket = try about(path, "cannot be bound") { () throws(Errno) in
            try boundSocket(address(of: name, in: directory))
        }
        do throws(PathError) {
            let facts = try about(path, "cannot be given its owner, group and mode") {
                () throws(Errno) in
                try systemCall { listen(socket.raw, backlog) }
                try assignToSocket(mode, owner: owner, group: group, name, in: directory.raw)
                return try FileFacts(of: name, in: directory.raw)
            }
            place = Place(directory: directory, name: name, facts: facts)
            self.owner = facts.owner
        } catch {
            // The first failure is the one to tell of; a leftover counts as stale the next time.
            _ = unsafe unlinkat(directory.raw, name, 0)
            throw error
        }
        descriptor = socket
    }

    /// Takes over a socket that listens already, as systemd hands them over (`sd_listen_fds(3)`).
    /// - Throws: ``PathError`` for what is no listening Unix stream socket.
    package init(adopting socket: consuming FileDescriptor) throws(PathError) {
        let raw = socket.raw
        descriptor = socket
        place = nil
        let label = "descriptor \(raw)"
        let isListening = try about(label, "cannot be used as a socket") { () throws(Errno) in
            try systemCall { wif_set_nonblocking(raw) }
            try systemCall { wif_set_cloexec(raw, true) }
            let type = try option(SO_TYPE, of: raw)
            let domain = try option(SO_DOMAIN, of: raw)
            let accepts = try option(SO_ACCEPTCONN, of: raw)
            return type == Int32(SOCK_STREAM.rawValue) && domain == AF_UNIX && accepts == 1
        }
        guard isListening else { throw PathError(label, "is no listening Unix stream socket") }
        owner = ownerOfFile(boundTo: raw)
    }

    /// Borrowed: never to be closed.
    package var raw: Int32 { descriptor.raw }

    /// The socket file's facts; `nil` for one that was handed over.
    package var facts: FileFacts? { place?.facts }

    /// Whether the socket file is where it was made and as it was made, and its directory still one that
    /// it may stand in; always for a socket that was handed over, of which nothing is known.
    package var isInPlace: Bool {
        guard let place else { return true }
        do throws(PathError) {
            try place.directory.recheck()
            guard place.directory.isCurrent, let found = try place.directory.look(at: place.name),
                found.facts.isSameFile(as: place.facts)
            else { return false }
            let rights = FileRights(
                mode: place.facts.mode,
                owner: place.facts.owner,
                group: place.facts.group
            )
            return try has(rights, found.descriptor.raw, found.facts, place.name)
        } catch {
            return false
        }
    }

    /// The next connection that waits; `nil` if none does.
    /// - Throws: ``Errno`` of `accept4(2)`, of which few concern the listener itself.
    package func accept() throws(Errno) -> Connection? {
        var address = sockaddr_un()
        var length: UInt32 = 0
        let capacity = UInt32(MemoryLayout<sockaddr_un>.size)
        let accepted = try unlessBlocked { () throws(Errno) in
            try systemCall { unsafe wif_accept(raw, &address, capacity, &length) }
        }
        guard let accepted else { return nil }
        let connection = FileDescriptor(owning: accepted)
        var (pid, uid, gid): (Int32, UInt32, UInt32) = (0, 0, 0)
        try systemCall { unsafe wif_peer_credentials(accepted, &pid, &uid, &gid) }
        let name = unsafe abstractName(&address, length)
        let peer = Peer(pid: pid, uid: uid, gid: gid, abstractName: name)
        return Connection(descriptor: connection, peer: peer)
    }

    /// Stops listening and removes the socket file, if it is still this socket's; one that was handed
    /// over is left as it is.
    package func close() {
        guard place != nil else { return }
        shutdown(raw, Int32(SHUT_RDWR))
        removeFile()
    }

    /// Removes the socket file, if it is still this socket's.
    package func removeFile() {
        guard let place else { return }
        // There is nobody to tell; a file left behind counts as stale.
        do throws(PathError) {
            let facts = try place.directory.facts(of: place.name)
            if facts?.isSameFile(as: place.facts) == true {
                try place.directory.remove(place.name)
            }
        } catch {}
    }
}

/// Sends what the socket takes now, without waiting and without SIGPIPE; answers how many bytes.
/// `send(2)`
package func send(_ socket: Int32, _ bytes: RawSpan) throws(Errno) -> Int {
    try unsafe bytes.withUnsafeBytes { buffer throws(Errno) in
        try systemCall {
            let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
            return unsafe Glibc.send(socket, buffer.baseAddress, buffer.count, flags)
        }
    }
}

/// Throws away what the peer has sent so far, up to 256 KiB: closed with unread input, a Unix socket
/// tells the peer of a reset after the data instead of an end.
package func discardInput(of socket: Int32) {
    unsafe withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { buffer in
        for _ in 0..<16 {
            let count = unsafe recv(
                socket,
                buffer.baseAddress,
                buffer.count,
                Int32(MSG_DONTWAIT)
            )
            if count <= 0 { return }
        }
    }
}

/// Removes a socket file that nobody serves; refuses anything else of that name.
private func clearTheWay(_ name: String, in directory: Directory) throws(PathError) {
    guard let facts = try directory.facts(of: name) else { return }
    let path = directory.path(of: name)
    guard facts.kind == .socket else {
        throw PathError(
            path,
            "is \(facts.kind.rawValue), not a socket",
            hint: "remove it, or choose another path"
        )
    }
    let probe = try about(path, "cannot be examined") { () throws(Errno) in
        try streamSocket(for: .unix(path: path))
    }
    do throws(Errno) {
        let place = SocketAddress.unix(path: address(of: name, in: directory))
        try unsafe place.withSockaddr { (address, length) throws(Errno) in
            _ = try systemCall { unsafe connect(probe.raw, address, length) }
        }
    } catch {
        switch error.code {
        case ECONNREFUSED: return try directory.remove(name)
        case ENOENT: return
        // Its queue is full: somebody lives.
        case EAGAIN: break
        default: throw PathError(path, "is a socket that cannot be examined", error)
        }
    }
    throw PathError(
        path,
        "is served by a running process",
        hint: listenerAdvice(path)
    )
}

/// The path by which bind(2) and connect(2) reach a name in an open directory, and no other: they take
/// no descriptor. Where others than root and this user could move a directory on its path, the way leads
/// through /proc, and that is what ss(8) shows.
private func address(of name: String, in directory: Directory) -> String {
    directory.isOwnPath ? directory.path(of: name) : "/proc/self/fd/\(directory.raw)/\(name)"
}

/// A socket bound to the path, its file of mode 0600 or less from the first moment.
private func boundSocket(_ path: String) throws(Errno) -> FileDescriptor {
    let address = SocketAddress.unix(path: path)
    let socket = try streamSocket(for: address)
    // bind(2) takes the file's mode from the socket, less the umask.
    try systemCall { fchmod(socket.raw, 0o600) }
    try unsafe address.withSockaddr { (pointer, length) throws(Errno) in
        _ = try systemCall { unsafe bind(socket.raw, pointer, length) }
    }
    return socket
}

/// Gives the socket file just bound its group, mode and owner, as ``assign(_:owner:group:to:)`` does.
/// The directory's owner could have put a link, or another's file, in its place since.
private func assignToSocket(
    _ mode: UInt32,
    owner: UInt32?,
    group: UInt32?,
    _ name: String,
    in directory: Int32
) throws(Errno) {
    let raw = try systemCall { unsafe wif_open_path(directory, name) }
    let file = FileDescriptor(owning: raw)
    let facts = try FileFacts(of: file.raw)
    guard facts.kind == FileFacts.Kind.socket, facts.owner == geteuid(), facts.links == 1 else {
        throw Errno(EEXIST)
    }
    try systemCall { wif_remove_access_lists(file.raw) }
    if let group { try systemCall { wif_chown_path(file.raw, .max, group) } }
    if facts.mode != mode { try systemCall { wif_chmod_path(file.raw, mode) } }
    if let owner { try systemCall { wif_chown_path(file.raw, owner, .max) } }
}

func option(_ name: Int32, of socket: Int32) throws(Errno) -> Int32 {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    try systemCall { unsafe getsockopt(socket, SOL_SOCKET, name, &value, &size) }
    return value
}

/// The name behind the NUL of an abstract address; `nil` for other addresses.
@unsafe private func abstractName(_ address: inout sockaddr_un, _ length: UInt32) -> String? {
    let start = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
    guard length > start + 1, address.sun_path.0 == 0 else { return nil }
    return unsafe withUnsafeBytes(of: &address) { bytes in
        let end = min(Int(length), bytes.count)
        return unsafe String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
    }
}

private func ownerOfFile(boundTo socket: Int32) -> UInt32? {
    var address = sockaddr_un()
    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe getsockname(socket, $0, &length)
        }
    }
    guard result == 0, address.sun_path.0 != 0 else { return nil }
    let path = unsafe withUnsafeBytes(of: &address.sun_path) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    do throws(Errno) {
        return try FileFacts(at: path).owner
    } catch {
        return nil
    }
}
