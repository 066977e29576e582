import CLinux
import Glibc

/// Makes a file that was not there, whole or not at all: its bytes are written beside it under another
/// name, synchronised, and linked. `link(2)`
///
/// - Parameters:
///   - mode: set before any byte is written, whatever the umask.
///   - group: the file's, set before any byte is written; `nil` for the file system's choice.
/// - Throws: ``PathError``; where the name is taken, whatever by, nothing is changed.
package func makeFile(
    at path: String,
    with bytes: [UInt8],
    mode: UInt32,
    group: UInt32? = nil
) throws(PathError) {
    let temporary = path + ".new" + String(UInt64.random(in: 0 ... .max), radix: 16)
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
    let raw = try about(path, "cannot be made") { () throws(Errno) in
        try systemCall { unsafe wif_openat(AT_FDCWD, temporary, flags, 0o600) }
    }
    let file = FileDescriptor(owning: raw)
    defer { _ = unsafe unlink(temporary) }
    _ = try about(path, "cannot be written") { () throws(Errno) in
        try systemCall { wif_remove_access_lists(file.raw) }
        if let group { try systemCall { fchown(file.raw, .max, group) } }
        try systemCall { fchmod(file.raw, mode) }
        try unsafe file.writeAll(bytes.span.bytes)
        try systemCall { fsync(file.raw) }
    }
    _ = try about(path, "cannot be made") { () throws(Errno) in
        try systemCall { unsafe link(temporary, path) }
    }
}
