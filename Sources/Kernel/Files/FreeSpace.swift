import Glibc

/// What a file system is out of.
package enum Lack: Sendable {
    /// Room for bytes.
    case blocks
    /// Inodes: it holds as many files as it can.
    case files
}

/// What the directory's file system is out of for one more small file; `nil` where it has room, and
/// where it does not count its blocks or files. `fstatvfs(3)`
/// - Throws: ``Errno``.
package func lack(in directory: Directory) throws(Errno) -> Lack? {
    var status = statvfs()
    try systemCall { unsafe fstatvfs(directory.raw, &status) }
    if status.f_blocks != 0, status.f_bavail == 0 { return .blocks }
    return status.f_files != 0 && status.f_favail == 0 ? .files : nil
}
