internal import CLinux
import Glibc

/// Why a file was not read.
package enum ReadFileError: Error, Equatable, Sendable {
    case failed(Errno)
    case notRegular
    case tooLarge
    /// Somebody else owns it, or others may read or write it.
    case notPrivate
}

/// Reads a whole regular file; never waits for a FIFO's other end.
///
/// - Parameters:
///   - limit: the most bytes that are accepted.
///   - isPrivate: whether the file must be the process's own, closed to group and others, and no
///     symbolic link.
/// - Throws: ``ReadFileError``.
package func readFile(
    _ path: String,
    limit: Int,
    isPrivate: Bool = false
) throws(ReadFileError) -> Secret {
    let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (isPrivate ? O_NOFOLLOW : 0)
    let raw: Int32
    do throws(Errno) {
        raw = try systemCall { unsafe wif_openat(AT_FDCWD, path, flags, 0) }
    } catch {
        throw .failed(error)
    }
    let file = FileDescriptor(owning: raw)
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0 else { throw .failed(Errno(errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
    if isPrivate && (status.st_uid != geteuid() || status.st_mode & 0o077 != 0) {
        throw .notPrivate
    }
    guard status.st_size <= limit else { throw .tooLarge }
    return try readAll(file.raw, limit: limit)
}

private func readAll(_ descriptor: Int32, limit: Int) throws(ReadFileError) -> Secret {
    var contents: [UInt8] = []
    defer { wipe(&contents) }
    while true {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try read(descriptor, upTo: 65_536)
        } catch {
            throw .failed(error)
        }
        if bytes.isEmpty { return Secret(contents) }
        contents += bytes
        if contents.count > limit { throw .tooLarge }
    }
}

/// Whether a directory's file system lives in memory (tmpfs, ramfs). `statfs(2)`
/// - Throws: ``Errno``.
package func isMemoryFileSystem(_ directory: String) throws(Errno) -> Bool {
    let raw = try systemCall { unsafe wif_openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0) }
    let descriptor = FileDescriptor(owning: raw)
    return try systemCall { wif_is_memory_file_system(descriptor.raw) } == 1
}

/// The path with every symbolic link resolved. `realpath(3)`
/// - Throws: ``Errno``.
package func realPath(_ path: String) throws(Errno) -> String {
    guard let resolved = unsafe realpath(path, nil) else { throw Errno(errno) }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
}

/// Names in a directory, sorted, without `.` and `..`. `readdir(3)`
/// - Throws: ``Errno``.
package func listDirectory(_ path: String) throws(Errno) -> [String] {
    guard let stream = unsafe opendir(path) else { throw Errno(errno) }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                unsafe String(cString: $0)
            }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// This boot's random id, which no other boot shares (random(4)).
package func bootID() throws(ReadFileError) -> String {
    let text = try readFile("/proc/sys/kernel/random/boot_id", limit: 64).text
    return String(text.prefix { $0 != "\n" })
}

/// Whether somebody else could change what a path leads to: the first file or directory on it, links
/// resolved, that another user owns, or that group or others can write to without the sticky bit.
/// `nil` where there is none.
/// - Throws: ``Errno`` where the path cannot be followed.
package func firstForeignHand(on path: String) throws(Errno) -> String? {
    let resolved = try realPath(path)
    var prefix = ""
    for part in [""] + resolved.split(separator: "/").map(String.init) {
        prefix = part.isEmpty ? "/" : (prefix == "/" ? "/" : prefix + "/") + part
        var status = stat()
        let current = prefix
        try systemCall { unsafe lstat(current, &status) }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        let isOwned = status.st_uid == 0 || status.st_uid == geteuid()
        let isWritable =
            status.st_mode & 0o002 != 0 || (status.st_mode & 0o020 != 0 && status.st_gid != 0)
        let isSticky = isDirectory && status.st_mode & S_ISVTX != 0
        if !isOwned || (isWritable && !isSticky) { return current }
    }
    return nil
}
