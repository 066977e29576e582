import CLinux
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

    /// Whether the path leads here and nobody but root and this user could make it lead elsewhere.
    var isOwnPath: Bool {
        do {
            let own = DirectoryTrust(owners: [geteuid()], groups: [])
            let walked = try FileFacts(of: Directory.open(path, trust: own).raw)
            return try walked.isSameFile(as: FileFacts(of: raw))
        } catch {
            return false
        }
    }

    /// Checks owner and mode of the directory once more, for they may have changed since the walk.
    package func recheck() throws(PathError) {
        try trust.check(raw, path: path)
    }

    /// Opens a name in it with `O_PATH`, links not followed, to ask about it; `nil` if there is none.
    func look(at name: String) throws(PathError) -> FoundFile? {
        do throws(Errno) {
            let found = FileDescriptor(
                owning: try systemCall { unsafe wif_open_path(raw, name) }
            )
            let facts = try FileFacts(of: found.raw)
            return FoundFile(descriptor: found, facts: facts)
        } catch {
            if error == .notFound { return nil }
            throw PathError(path(of: name), "cannot be examined", error)
        }
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

/// A file that was looked at, not opened: its descriptor (`O_PATH`) stands for it whatever its name
/// leads to since.
struct FoundFile: ~Copyable {
    let descriptor: FileDescriptor
    let facts: FileFacts
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
    /// a trusted one), by others, or by whom its access list names, only with the sticky bit, under
    /// which they cannot replace what is not theirs.
    /// - Returns: the directory's facts.
    @discardableResult
    package func check(_ descriptor: Int32, path: String) throws(PathError) -> FileFacts {
        let facts = try about(path, "cannot be examined") { () throws(Errno) in
            try FileFacts(of: descriptor)
        }
        guard facts.owner == 0 || owners.contains(facts.owner) else {
            let trusted = owners.sorted().filter { $0 != 0 }.map(userDescription)
            throw PathError(
                path,
                "is owned by \(userDescription(facts.owner)), who could replace what is put there",
                hint: "a directory on the path must be owned by "
                    + (["root"] + trusted).joined(separator: " or "),
                stranger: userName(facts.owner)
            )
        }
        if facts.mode & 0o1000 != 0 || path == shared { return facts }
        let writers = try otherWriters(of: descriptor, facts, path: path)
        if let writer = writers.first(where: { !$0.isTrusted(owners: owners, groups: groups) }) {
            throw writer.error(path, facts, mayBeSticky: true)
        }
        return facts
    }
}
