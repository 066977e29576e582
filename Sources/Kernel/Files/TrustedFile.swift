import CLinux
import Glibc

/// The file that a path leads to, links resolved, if nobody but root and the trusted owners can
/// change it: files and directories on the way are theirs, and no one else can write to the file or
/// to the directory it is in.
///
/// - Throws: ``PathError`` that names what is at fault.
package func trustedFile(_ path: String, owners: Set<UInt32>) throws(PathError) -> String {
    let trust = DirectoryTrust(owners: owners, groups: [])
    var path = path
    for _ in 0..<40 {
        let (parent, name) = splitPath(path)
        let directory = try Directory.open(parent, trust: trust)
        try checkUnshared(directory.raw, path: parent, owners)
        guard let file = try directory.look(at: name) else {
            throw PathError(path, "cannot be opened", .notFound)
        }
        if file.facts.kind != .symbolicLink {
            guard file.facts.kind == .regular else {
                throw PathError(path, "is \(file.facts.kind.rawValue), not a regular file")
            }
            try checkUnshared(file.descriptor.raw, path: path, owners)
            return path
        }
        let target = try about(path, "cannot be followed") { () throws(Errno) in
            try linkTarget(name, in: directory.raw)
        }
        path = try about(path, "cannot be followed") { () throws(Errno) in
            try realParent(of: target.hasPrefix("/") ? target : "\(parent)/\(target)")
        }
    }
    throw PathError(path, "cannot be followed", Errno(ELOOP))
}

/// The directory and the name of a path; `/` for the directory where there is no other.
package func splitPath(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return ("", path) }
    let directory = String(path[..<slash])
    return (directory.isEmpty ? "/" : directory, String(path[path.index(after: slash)...]))
}

/// Opens a file for reading, no link itself, that nobody but root and the trusted owners can change:
/// the directories on its path are theirs, no one else can write to them (except under the sticky
/// bit, which protects what is there) or to the file.
/// - Parameter isRegular: whether anything but a regular file is refused; else that is the reader's.
/// - Throws: ``PathError``, whose reason is `nil` where a rule refused the path.
package func openTrusted(
    _ path: String,
    owners: Set<UInt32>,
    isRegular: Bool = true
) throws(PathError) -> FileDescriptor {
    let (parent, name) = splitPath(path)
    let trust = DirectoryTrust(owners: owners, groups: [])
    let directory = try Directory.open(parent, trust: trust)
    let raw = try about(path, "cannot be opened") { () throws(Errno) in
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        return try systemCall { unsafe wif_openat(directory.raw, name, flags, 0) }
    }
    let file = FileDescriptor(owning: raw)
    let facts = try about(path, "cannot be examined") { () throws(Errno) in
        try FileFacts(of: raw)
    }
    guard facts.kind == .regular || !isRegular else {
        throw PathError(path, "is \(facts.kind.rawValue), not a regular file")
    }
    try checkUnshared(raw, path: path, owners)
    return file
}

/// Refuses what is another's, or what others can write to, sticky bit or not.
func checkUnshared(
    _ descriptor: Int32,
    path: String,
    _ owners: Set<UInt32>
) throws(PathError) {
    let facts = try about(path, "cannot be examined") { () throws(Errno) in
        try FileFacts(of: descriptor)
    }
    guard facts.owner == 0 || owners.contains(facts.owner) else {
        throw PathError(
            path,
            "is owned by \(userDescription(facts.owner)), who is not trusted",
            hint:
                "chown root \(path), unless \(userDescription(facts.owner)) may change what this user uses",
            stranger: userName(facts.owner)
        )
    }
    let writers = try otherWriters(of: descriptor, facts, path: path)
    guard let writer = writers.first(where: { !$0.isTrusted(owners: owners, groups: []) }) else {
        return
    }
    throw writer.error(path, facts)
}

/// The path with every symbolic link resolved, as ``realPath(_:)`` does it.
/// - Throws: ``PathError``.
package func resolvedPath(_ path: String) throws(PathError) -> String {
    try about(path, "cannot be followed") { () throws(Errno) in try realPath(path) }
}

/// The path with its directory resolved. `realpath(3)`
private func realParent(of path: String) throws(Errno) -> String {
    let (parent, name) = splitPath(path)
    guard let resolved = unsafe realpath(parent, nil) else { throw Errno(errno) }
    defer { unsafe free(resolved) }
    let directory = unsafe String(cString: resolved)
    return directory == "/" ? "/\(name)" : "\(directory)/\(name)"
}
