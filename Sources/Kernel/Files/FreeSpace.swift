import Glibc

/// Whether the directory's file system has room for one more small file; one that does not count its
/// blocks or files has. `fstatvfs(3)`
/// - Throws: ``Errno``.
package func hasRoom(in directory: Directory) throws(Errno) -> Bool {
    var status = statvfs()
    try systemCall { unsafe fstatvfs(directory.raw, &status) }
    let hasBlocks = status.f_blocks == 0 || status.f_bavail > 0
    let hasFiles = status.f_files == 0 || status.f_favail > 0
    return hasBlocks && hasFiles
}
