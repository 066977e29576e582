internal import CLinux
import Glibc

/// Why a file that should be small and regular was not read; reads after the file's name.
package enum SmallFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Opening or reading failed.
    case system(Errno)
    /// What is there instead of a regular file.
    case notRegular(String)
    /// It holds more bytes than this.
    case tooLarge(limit: Int)

    package var description: String {
        switch self {
        case .system(let error): "cannot be read: \(error)"
        case .notRegular(let kind): "is \(kind), not a regular file"
        case .tooLarge(let limit): "is over \(limit) bytes"
        }
    }
}

/// The whole content of a regular file of at most `limit` bytes. Never waits: not for the other end
/// of a FIFO, nor for a device. `open(2)`, `fstat(2)`
package func smallFile(at path: String, limit: Int) throws(SmallFileError) -> [UInt8] {
    var content: [UInt8] = []
    var kind: String?
    do throws(Errno) {
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        let file = FileDescriptor(
            owning: try systemCall { unsafe wif_openat(AT_FDCWD, path, flags, 0) }
        )
        kind = try kindIfNotRegular(file.raw)
        while kind == nil, content.count <= limit {
            let bytes = try file.read(upTo: min(limit + 1 - content.count, 65_536))
            if bytes.isEmpty { return content }
            content += bytes
        }
    } catch {
        throw .system(error)
    }
    if let kind { throw .notRegular(kind) }
    throw .tooLarge(limit: limit)
}

/// Whether the descriptor is a regular file; `false` where it is closed. `fstat(2)`
package func isRegularFile(_ descriptor: Int32) -> Bool {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
}

private func kindIfNotRegular(_ descriptor: Int32) throws(Errno) -> String? {
    var status = stat()
    try systemCall { unsafe fstat(descriptor, &status) }
    return switch status.st_mode & S_IFMT {
    case S_IFREG: nil
    case S_IFDIR: "a directory"
    case S_IFIFO: "a FIFO"
    case S_IFSOCK: "a socket"
    default: "a device"
    }
}

/// Adds whole lines to a regular file that is there, in one write; a line that the file ends without
/// its line feed is ended first. `open(2)`, `O_APPEND`, `O_NOFOLLOW`
/// - Throws: ``PathError``.
package func appendLines(_ lines: [UInt8], to path: String) throws(PathError) {
    let flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    let raw = try about(path, "cannot be opened") { () throws(Errno) in
        try systemCall { unsafe wif_openat(AT_FDCWD, path, flags, 0) }
    }
    let file = FileDescriptor(owning: raw)
    let kind = try about(path, "cannot be examined") { () throws(Errno) in
        try kindIfNotRegular(file.raw)
    }
    if let kind { throw PathError(path, "is \(kind), not a regular file") }
    try about(path, "cannot be written") { () throws(Errno) in
        let size = lseek(file.raw, -1, SEEK_END)
        let last = size < 0 ? [] : try file.read(upTo: 1)
        var bytes = last.isEmpty || last == [10] ? lines : [10] + lines
        defer { wipe(&bytes) }
        try unsafe file.writeAll(bytes.span.bytes)
    }
}
