import Glibc

/// What the file system says of a file. `stat(2)`
package struct FileFacts: Equatable, Sendable {
    /// A file's type, in words that fit "is a …".
    package enum Kind: String, Sendable {
        case regular = "a regular file"
        case directory = "a directory"
        case symbolicLink = "a symbolic link"
        case socket = "a socket"
        case fifo = "a FIFO"
        case device = "a device"
    }

    package let kind: Kind
    /// Permission bits, within 07777.
    package let mode: UInt32
    package let owner: UInt32
    package let group: UInt32
    package let device: UInt64
    package let inode: UInt64
    package let size: Int64
    /// How many names the file has.
    package let links: UInt64

    private init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFSOCK: .socket
            case S_IFIFO: .fifo
            default: .device
            }
        mode = status.st_mode & 0o7777
        owner = status.st_uid
        group = status.st_gid
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        links = UInt64(status.st_nlink)
    }

    /// Of an open descriptor, one opened with `O_PATH` included. `fstat(2)`
    package init(of descriptor: Int32) throws(Errno) {
        var status = stat()
        try systemCall { unsafe fstat(descriptor, &status) }
        self.init(status)
    }

    /// Of a name in an open directory, links not followed. `fstatat(2)`
    package init(of name: String, in directory: Int32) throws(Errno) {
        var status = stat()
        try systemCall { unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) }
        self.init(status)
    }

    /// Of what a path leads to, links followed. `stat(2)`
    package init(at path: String) throws(Errno) {
        var status = stat()
        try systemCall { unsafe fstatat(AT_FDCWD, path, &status, 0) }
        self.init(status)
    }

    /// Whether both are facts of one and the same file.
    package func isSameFile(as other: FileFacts) -> Bool {
        device == other.device && inode == other.inode
    }

    /// The permission bits as `chmod(1)` takes them: `0640`.
    package var modeText: String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension FileFacts {
    /// Those of ``init(at:)``; `nil` where nothing is there, or nothing can be told of it.
    package init?(ifAt path: String) {
        do throws(Errno) { try self.init(at: path) } catch { return nil }
    }
}

/// Whether there is a regular file, links followed as ``FileFacts/init(at:)`` does.
package func isRegularFile(at path: String) -> Bool { FileFacts(ifAt: path)?.kind == .regular }
