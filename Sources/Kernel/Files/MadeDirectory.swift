import CLinux
import Glibc

/// Opens a directory that this process has just made (0700) and gives it its group, mode and owner.
/// The parent's owner could have put another directory in its place since: only one that is this
/// user's, closed to all others and empty is taken.
/// - Throws: ``Errno``, `EEXIST` for any other; it is left as it is.
func claimMade(
    _ name: String,
    in parent: Int32,
    _ rights: FileRights
) throws(Errno) -> FileDescriptor {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    let made = FileDescriptor(
        owning: try systemCall { unsafe wif_openat(parent, name, flags, 0) }
    )
    let facts = try FileFacts(of: made.raw)
    guard facts.owner == geteuid(), facts.mode & 0o077 == 0, try isEmpty(made.raw) else {
        throw Errno(EEXIST)
    }
    // What it inherited from the parent's default list would grant more than the mode says.
    try systemCall { wif_remove_access_lists(made.raw) }
    try assign(rights, to: made.raw)
    return made
}

private func isEmpty(_ directory: Int32) throws(Errno) -> Bool {
    var count = 0
    try systemCall {
        unsafe withUnsafeMutablePointer(to: &count) { context in
            unsafe wif_visit_names(directory, context) { context, _ in
                unsafe context?.assumingMemoryBound(to: Int.self).pointee += 1
            }
        }
    }
    return count == 0
}
