import CLinux
import Glibc

extension Directory {
    /// Whether the name is a regular file that holds exactly these bytes and has exactly these rights, and
    /// no access list.
    ///
    /// Of a file that this process may not read, size and rights are looked at.
    /// - Throws: ``PathError`` where that cannot be told.
    package func holds(
        _ name: String,
        _ contents: Secret,
        _ rights: FileRights
    ) throws(PathError) -> Bool {
        guard let found = try look(at: name), found.facts.kind == .regular,
            found.facts.size == contents.count,
            try has(rights, found.descriptor.raw, found.facts, path(of: name))
        else { return false }
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        let raw = unsafe wif_openat(raw, name, flags, 0)
        guard raw >= 0 else { return errno == EACCES }
        let file = FileDescriptor(owning: raw)
        do throws(ReadFileError) {
            return try readFile(file, limit: contents.count).isEqual(to: contents)
        } catch {
            return false
        }
    }

    /// Whether the directory itself has exactly these rights.
    func hasRights(_ rights: FileRights) throws(PathError) -> Bool {
        let facts = try about(path, "cannot be examined") { () throws(Errno) in
            try FileFacts(of: raw)
        }
        return try has(rights, raw, facts, path)
    }
}

/// Whether an open file or directory has exactly these rights and no access list.
func has(
    _ rights: FileRights,
    _ descriptor: Int32,
    _ facts: FileFacts,
    _ path: @autoclosure () -> String
) throws(PathError) -> Bool {
    // The set-group-ID bit of a directory is inherited, and says nothing of access.
    let bits = facts.mode & (facts.kind == .directory ? 0o5777 : 0o7777)
    guard bits == rights.mode, facts.owner == rights.owner ?? geteuid(),
        rights.group.map({ $0 == facts.group }) ?? true
    else { return false }
    return try about(path(), "has an access list that cannot be read") { () throws(Errno) in
        try !hasAccessList(descriptor)
    }
}

/// Whether what is at the path are no files but interfaces of the kernel: proc(5), sysfs(5) and others.
/// `statfs(2)`
/// - Throws: ``Errno``.
package func isKernelFileSystem(_ path: String) throws(Errno) -> Bool {
    try systemCall { unsafe wif_is_kernel_file_system(path) } == 1
}

/// Whether something is mounted at exactly this path, as this process sees it; also a file on a file.
/// `proc_pid_mountinfo(5)`
package func isMountPoint(_ path: String) -> Bool {
    do throws(ReadFileError) {
        // ID parent major:minor root mount-point options ...; blanks are written as octal numbers.
        let text = try readFile("/proc/self/mountinfo", limit: 4 << 20).text
        return text.split(separator: "\n").contains { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            return fields.count > 4 && fields[4] == path
        }
    } catch {
        // Then it shows when the file is replaced.
        return false
    }
}
