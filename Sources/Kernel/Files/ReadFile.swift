import CLinux
import Glibc

/// Why a file was not read; reads after the file's name.
package enum ReadFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Opening or reading failed.
    case system(Errno)
    /// What is there instead of a regular file.
    case notRegular(String)
    /// It holds more bytes than this.
    case tooLarge(limit: Int)
    /// Somebody else owns it, or others may read or write it.
    case notPrivate

    /// The failed call's reason; `nil` where a rule refused the file.
    package var reason: Errno? {
        if case .system(let reason) = self { reason } else { nil }
    }

    package var description: String {
        switch self {
        case .system(let error): "cannot be read: \(error)"
        case .notRegular(let kind): "is \(kind), not a regular file"
        case .tooLarge(let limit): "is over \(limit) bytes"
        case .notPrivate: "is not this user's alone"
        }
    }
}

/// The text of a regular file; `nil` where it cannot be read.
///
/// - Parameter limit: the most bytes that are accepted.
package func readText(ifAt path: String, limit: Int = 1 << 20) -> String? {
    do throws(ReadFileError) { return try readFile(path, limit: limit).text } catch { return nil }
}

/// Reads a whole regular file. Never waits: not for the other end of a FIFO, nor for a device.
/// `open(2)`, `fstat(2)`
///
/// - Parameters:
///   - limit: the most bytes that are accepted.
///   - isPrivate: whether the file must be the process's own, closed to group and others, and no
///     symbolic link.
///   - followsLinks: whether the path may be a symbolic link.
/// - Throws: ``ReadFileError``.
package func readFile(
    _ path: String,
    limit: Int,
    isPrivate: Bool = false,
    followsLinks: Bool = true
) throws(ReadFileError) -> Secret {
    let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (isPrivate || !followsLinks ? O_NOFOLLOW : 0)
    let raw: Int32
    do throws(Errno) {
        raw = try systemCall { unsafe wif_openat(AT_FDCWD, path, flags, 0) }
    } catch {
        throw .system(error)
    }
    return try readFile(FileDescriptor(owning: raw), limit: limit, isPrivate: isPrivate)
}

/// Reads an open file as ``readFile(_:limit:isPrivate:followsLinks:)`` does.
/// - Throws: ``ReadFileError``.
package func readFile(
    _ file: borrowing FileDescriptor,
    limit: Int,
    isPrivate: Bool = false
) throws(ReadFileError) -> Secret {
    var refusal: ReadFileError?
    do throws(Errno) {
        refusal = try reasonToRefuse(file, limit: limit, isPrivate: isPrivate)
        if refusal == nil, let content = try content(of: file, limit: limit) { return content }
    } catch {
        throw .system(error)
    }
    throw refusal ?? .tooLarge(limit: limit)
}

private func reasonToRefuse(
    _ file: borrowing FileDescriptor,
    limit: Int,
    isPrivate: Bool
) throws(Errno) -> ReadFileError? {
    var status = stat()
    try systemCall { unsafe fstat(file.raw, &status) }
    if let kind = kindIfNotRegular(status) { return .notRegular(kind) }
    if isPrivate && (status.st_uid != geteuid() || status.st_mode & 0o077 != 0) {
        return .notPrivate
    }
    return status.st_size > limit ? .tooLarge(limit: limit) : nil
}

/// `nil` where there is more than the limit: a file of proc(5) has no size, others may grow.
private func content(of file: borrowing FileDescriptor, limit: Int) throws(Errno) -> Secret? {
    var content: [UInt8] = []
    defer { wipe(&content) }
    while content.count <= limit {
        let bytes = try file.read(upTo: min(limit + 1 - content.count, 65_536))
        if bytes.isEmpty { return Secret(content) }
        content += bytes
    }
    return nil
}

/// Whether the descriptor is a regular file; `false` where it is closed. `fstat(2)`
package func isRegularFile(_ descriptor: Int32) -> Bool {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && kindIfNotRegular(status) == nil
}

/// Whether the descriptor is a socket, of whatever kind. `fstat(2)`
package func isSocket(_ descriptor: Int32) -> Bool {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
}

private func kindIfNotRegular(_ status: stat) -> String? {
    switch status.st_mode & S_IFMT {
    case S_IFREG: nil
    case S_IFDIR: "a directory"
    case S_IFIFO: "a FIFO"
    case S_IFSOCK: "a socket"
    default: "a device"
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

/// Whether the process's real user may read what the path names. `access(2)`
package func isReadable(_ path: String) -> Bool { unsafe access(path, R_OK) == 0 }

/// The directory that relative paths start from; `/` where it has none any more. `getcwd(3)`
package func currentDirectory() -> String {
    guard let path = unsafe getcwd(nil, 0) else { return "/" }
    defer { unsafe free(path) }
    return unsafe String(cString: path)
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

/// Whether nobody but root can change where the directory's path leads: root owns every directory on
/// it, links resolved, and no one else can write to any of them, sticky bit or not.
/// - Throws: ``Errno`` where the path cannot be followed.
package func isRootsAlone(_ directory: String) throws(Errno) -> Bool {
    var place = ""
    for part in try [""] + realPath(directory).split(separator: "/").map(String.init) {
        place = part.isEmpty ? "/" : (place == "/" ? "/" : place + "/") + part
        let facts = try FileFacts(at: place)
        if facts.owner != 0 || facts.mode & 0o022 != 0 { return false }
    }
    return true
}
