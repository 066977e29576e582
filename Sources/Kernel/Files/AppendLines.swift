import CLinux
import Glibc

/// Adds whole lines to a regular file that is there, in one write; a line that the file ends without
/// its line feed is ended first. `open(2)`, `O_APPEND`, `O_NOFOLLOW`
/// - Throws: ``PathError``.
package func appendLines(_ lines: [UInt8], to path: String) throws(PathError) {
    let flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    let raw = try about(path, "cannot be opened") { () throws(Errno) in
        try systemCall { unsafe wif_openat(AT_FDCWD, path, flags, 0) }
    }
    let file = FileDescriptor(owning: raw)
    guard isRegularFile(file.raw) else { throw PathError(path, "is not a regular file") }
    try about(path, "cannot be written") { () throws(Errno) in
        let size = lseek(file.raw, -1, SEEK_END)
        let last = size < 0 ? [] : try file.read(upTo: 1)
        var bytes = last.isEmpty || last == [10] ? lines : [10] + lines
        defer { wipe(&bytes) }
        try unsafe file.writeAll(bytes.span.bytes)
    }
}
