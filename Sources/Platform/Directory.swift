internal import CLinux
import Glibc

/// An open directory that was reached by a checked walk from `/`; files in it are named relative to
/// the descriptor, so that nothing done to the path afterwards leads elsewhere.
package final class Directory: Sendable {
    private let descriptor: FileDescriptor
    /// The path that was walked, as given.
    package let path: String
    private let trust: DirectoryTrust

    init(_ descriptor: consuming FileDescriptor, path: String, trust: DirectoryTrust) {
        self.descriptor = descriptor
        self.path = path
        self.trust = trust
    }

    /// For system calls during the directory's life; never to be closed by the borrower.
    package var raw: Int32 { descriptor.raw }

    /// The path of a name in it.
    package func path(of name: String) -> String {
        path == "/" ? "/\(name)" : "\(path)/\(name)"
    }

    /// Facts about a name in it, links not followed; `nil` if there is none.
    package func facts(of name: String) throws(PathError) -> FileFacts? {
        do throws(Errno) {
            return try FileFacts(of: name, in: raw)
        } catch {
            if error == .notFound { return nil }
            throw PathError(path(of: name), "cannot be examined", error)
        }
    }

    /// Whether the path still leads here; not if the directory was removed, or another put in place.
    package var isCurrent: Bool {
        do throws(Errno) {
            return try FileFacts(at: path).isSameFile(as: FileFacts(of: raw))
        } catch {
            return false
        }
    }

    /// Checks owner and mode of the directory once more, for they may have changed since the walk.
    package func recheck() throws(PathError) {
        let facts = try about(path, "cannot be examined") { () throws(Errno) in
            try FileFacts(of: raw)
        }
        try trust.check(facts, path: path)
    }

    /// Removes a name; nothing is done where there is none. `unlinkat(2)`
    package func remove(_ name: String) throws(PathError) {
        do throws(Errno) {
            try systemCall { unsafe unlinkat(raw, name, 0) }
        } catch {
            if error == .notFound { return }
            throw PathError(path(of: name), "cannot be removed", error)
        }
    }

    /// Makes additions and removals durable. `fsync(2)`
    package func sync() throws(PathError) {
        do throws(Errno) {
            try systemCall { fsync(raw) }
        } catch {
            // File systems that keep no directory on a disk (FUSE, 9p) may say so.
            if error.code == EINVAL || error.code == ENOSYS { return }
            throw PathError(path, "cannot be synchronised", error)
        }
    }

    /// The names in it, but `.` and `..`; those that are not UTF-8 are left out.
    package func names() throws(PathError) -> [String] {
        var names: [String] = []
        let result = unsafe withUnsafeMutablePointer(to: &names) { context in
            unsafe wif_visit_names(raw, context) { context, name in
                guard let context = unsafe context, let name = unsafe name,
                    let text = unsafe String(validatingCString: name)
                else { return }
                unsafe context.assumingMemoryBound(to: [String].self).pointee.append(text)
            }
        }
        if result != 0 { throw PathError(path, "cannot be listed", Errno(errno)) }
        return names
    }
}

/// Whose directories are good enough to put a secret in.
package struct DirectoryTrust: Sendable {
    /// Besides root.
    package let owners: Set<UInt32>
    /// Those that may write to a directory without the sticky bit.
    package let groups: Set<UInt32>
    /// A directory in which others are known to be able to put something else in a file's place.
    package let shared: String?

    package init(owners: Set<UInt32>, groups: Set<UInt32>, shared: String? = nil) {
        self.owners = owners
        self.groups = groups
        self.shared = shared
    }

    /// Checks one directory of a path: owned by root or a trusted owner; writable by its group (if not
    /// a trusted one) or by others only with the sticky bit, under which they cannot replace what
    /// is not theirs.
    package func check(_ facts: FileFacts, path: String) throws(PathError) {
        guard facts.owner == 0 || owners.contains(facts.owner) else {
            let trusted = owners.sorted().filter { $0 != 0 }.map(userDescription)
            throw PathError(
                path,
                "is owned by \(userDescription(facts.owner)), who could replace what is put there",
                hint: "a directory on the path must be owned by "
                    + (["root"] + trusted).joined(separator: " or ")
            )
        }
        if facts.mode & 0o1000 != 0 || path == shared { return }
        if facts.mode & 0o002 != 0 {
            throw PathError(
                path,
                "is writable by others (mode \(facts.modeText))",
                hint: "chmod o-w \(path), or set the sticky bit: chmod +t \(path)"
            )
        }
        if facts.mode & 0o020 != 0, !groups.contains(facts.group) {
            throw PathError(
                path,
                "is writable by its group \(facts.group) (mode \(facts.modeText))",
                hint: "chmod g-w \(path), or name that group in the output"
            )
        }
    }
}
