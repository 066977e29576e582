import CLinux
import Glibc

/// A user by whom the kernel judges files: what they may do is told without doing it.
package struct FileUser: Equatable, Sendable {
    package let id: UInt32
    package let groups: Set<UInt32>

    package init(id: UInt32, groups: Set<UInt32>) {
        self.id = id
        self.groups = groups
    }

    /// The one under which this process acts. `geteuid(2)`, `getgroups(2)`
    package static func current() -> FileUser {
        var groups = [UInt32](repeating: 0, count: 65_536)
        let count = unsafe getgroups(Int32(groups.count), &groups)
        return FileUser(id: geteuid(), groups: Set(groups.prefix(max(0, Int(count))) + [getegid()]))
    }

    /// One of the user database; without groups where it is in none. `getgrouplist(3)`
    package static func known(_ id: UInt32) -> FileUser {
        id == geteuid() ? .current() : listed(id)
    }

    /// The same of this process's user too: with the groups that it would have after its next login.
    static func listed(_ id: UInt32) -> FileUser {
        var groups = [UInt32](repeating: 0, count: 65_536)
        var count = Int32(groups.count)
        guard let (name, group) = nameAndGroup(of: id),
            unsafe getgrouplist(name, group, &groups, &count) >= 0
        else { return FileUser(id: id, groups: []) }
        return FileUser(id: id, groups: Set(groups.prefix(Int(count))))
    }

    /// Whether this process acts under that user.
    package var isCurrent: Bool { id == geteuid() }

    package var isRoot: Bool { id == 0 }

    /// Whether the user may read, write (2) and search (1), by the file's mode alone.
    package func may(_ bits: UInt32, _ facts: FileFacts) -> Bool {
        if id == 0 { return true }
        let shift: UInt32 =
            facts.owner == id ? 6 : groups.contains(facts.group) ? 3 : 0
        return facts.mode >> shift & bits == bits
    }

    /// The same, by the file's access list, too. `acl(5)`
    package func may(_ bits: UInt32, _ facts: FileFacts, at path: String) -> Bool {
        may(bits, facts) || accessListGrants(bits, at: path, to: self)
    }

    /// The outermost directory above a path that the user may not search; `nil` where none is known.
    package func closedDirectory(above path: String) -> (path: String, facts: FileFacts)? {
        parentDirectories(of: path).lazy.compactMap { place in
            FileFacts(ifAt: place).map { (path: place, facts: $0) }
        }.first { !may(1, $0.facts, at: $0.path) }
    }

    /// Whether the user may put files into the directory. Of this process's own user the kernel is
    /// asked, which also knows of access lists; of another the modes are read.
    /// - Throws: ``Errno`` with the reason where not.
    package func checkAdding(to directory: String) throws(Errno) {
        do throws(Errno) {
            try systemCall {
                unsafe faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS)
            }
        } catch {
            // What concerns root is true of all: a file system that is read-only.
            if isCurrent || error == .readOnly { throw error }
        }
        guard !isCurrent else { return }
        var place = ""
        for part in directory.split(separator: "/") {
            place += "/\(part)"
            guard may(1, try FileFacts(at: place)) else { throw .noAccess }
        }
        guard may(7, try FileFacts(at: directory)) else { throw .noAccess }
    }
}

/// Whether this process may run the file. `faccessat(2)`
/// - Throws: ``Errno`` with the reason where not.
package func checkExecutable(_ path: String) throws(Errno) {
    try systemCall { unsafe faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) }
}

/// Whether this process may connect to the Unix socket, by the modes on its path. `unix(7)`
/// - Throws: ``Errno`` with the reason where not.
package func checkConnecting(to socket: String) throws(Errno) {
    try systemCall { unsafe faccessat(AT_FDCWD, socket, W_OK, AT_EACCESS) }
}

/// The paths at which this machine's processes listen on Unix sockets, as far as this network
/// namespace shows them. `proc_net_unix(5)`: nobody is connected to.
/// - Throws: ``ReadFileError`` where the kernel does not tell.
package func listeningSocketPaths() throws(ReadFileError) -> Set<String> {
    let text = try readFile("/proc/net/unix", limit: 16 << 20).text
    // Num: RefCount Protocol Flags Type St Inode Path; the flag is that of a listening socket.
    let paths = text.split(separator: "\n").dropFirst().compactMap { line -> String? in
        let fields = line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: true)
        guard fields.count == 8, fields[3] == "00010000" else { return nil }
        return String(fields[7])
    }
    return Set(paths)
}
