import CLinux
import Glibc

/// A directory of this process's own (0700), in memory where there is such a place.
package struct PrivateDirectory: Sendable {
    package let path: String

    /// Makes one: below `$XDG_RUNTIME_DIR`, `/run` (as root) or `/dev/shm` if these are in memory,
    /// else below `$TMPDIR` or `/tmp`. `mkdtemp(3)`
    /// - Throws: ``PathError`` of the last place that was tried.
    package init(prefix: String, environment: [String: String]) throws(PathError) {
        let inMemory = [environment["XDG_RUNTIME_DIR"], geteuid() == 0 ? "/run" : nil, "/dev/shm"]
            .compactMap(\.self).filter { $0.hasPrefix("/") && Self.isMemory($0) }
        let temporary = environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp"
        var failure = PathError(temporary, "cannot hold a directory", Errno(ENOENT))
        for place in inMemory + [temporary] {
            do throws(PathError) {
                let trust = DirectoryTrust(owners: [geteuid()], groups: [])
                let resolved = try about(place, "cannot be resolved") { () throws(Errno) in
                    try realPath(place)
                }
                _ = try Directory.open(resolved, trust: trust)
                path = try Self.make(in: resolved, prefix)
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Removes the directory and the files in it; what is not there any more is no failure.
    /// - Throws: ``PathError``.
    package func remove() throws(PathError) {
        let raw = unsafe wif_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
        if raw < 0, errno == ENOENT { return }
        guard raw >= 0 else { throw PathError(path, "cannot be opened", Errno(errno)) }
        let trust = DirectoryTrust(owners: [geteuid()], groups: [])
        let directory = Directory(FileDescriptor(owning: raw), path: path, trust: trust)
        // What a program has put beside the secrets must not keep them from going.
        var failure: PathError?
        for name in try directory.names() {
            do throws(PathError) { try directory.remove(name) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        _ = try about(path, "cannot be removed") { () throws(Errno) in
            try systemCall { unsafe rmdir(path) }
        }
    }

    private static func isMemory(_ place: String) -> Bool {
        do throws(Errno) { return try isMemoryFileSystem(place) } catch { return false }
    }

    private static func make(in place: String, _ prefix: String) throws(PathError) -> String {
        var template = Array("\(place)/\(prefix)XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw PathError(place, "cannot hold a directory", Errno(errno))
        }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
