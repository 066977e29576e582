import CLinux
import Glibc

extension Directory {
    /// Opens a directory from `/`, component by component, and checks each one on the way.
    ///
    /// A symbolic link is followed only if root owns it and nobody but root can write to any
    /// directory before it (`/var/run`); its target is walked by the same rules.
    /// The path is absolute, without `.` and `..`; missing directories are an error unless `creation`
    /// says how to make them.
    /// - Throws: ``PathError`` that names the component at fault.
    package static func open(
        _ path: String,
        trust: DirectoryTrust,
        creating creation: FileRights? = nil
    ) throws(PathError) -> Directory {
        guard path.hasPrefix("/") else {
            throw PathError(path, "is not an absolute path", hint: "begin it with /")
        }
        let components = path.split(separator: "/").map(String.init)
        guard !components.contains("."), !components.contains(".."), !path.utf8.contains(0) else {
            throw PathError(path, "goes through '.' or '..', or holds a NUL byte")
        }
        var walk = try DirectoryWalk(trust: trust, creation: creation)
        return try walk.finish(components, path: path)
    }
}

/// The state of a walk: where it is and what is ahead.
private struct DirectoryWalk: ~Copyable {
    private let trust: DirectoryTrust
    private let creation: FileRights?
    private var here: FileDescriptor
    private var place: [String] = []
    /// In reverse: the next one last.
    private var ahead: [String] = []
    /// Whether nobody but root could have changed anything on the way so far.
    private var isRootsAlone = true
    private var linksFollowed = 0

    init(trust: DirectoryTrust, creation: FileRights?) throws(PathError) {
        self.trust = trust
        self.creation = creation
        here = try Self.root()
    }

    mutating func finish(_ components: [String], path: String) throws(PathError) -> Directory {
        ahead = components.reversed()
        try check()
        while let name = ahead.popLast() { try enter(name) }
        let raw = try about(path, "cannot be opened") { () throws(Errno) in
            // What O_PATH opened can be neither synchronised nor listed.
            try systemCall { unsafe wif_openat(here.raw, ".", O_RDONLY | O_DIRECTORY, 0) }
        }
        return Directory(FileDescriptor(owning: raw), path: path, trust: trust)
    }

    private static func root() throws(PathError) -> FileDescriptor {
        let raw = try about("/", "cannot be opened") { () throws(Errno) in
            try systemCall { unsafe wif_open_directory(AT_FDCWD, "/") }
        }
        return FileDescriptor(owning: raw)
    }

    private func path(of name: String? = nil) -> String {
        "/" + (place + (name.map { [$0] } ?? [])).joined(separator: "/")
    }

    private mutating func enter(_ name: String) throws(PathError) {
        let raw = unsafe wif_open_directory(here.raw, name)
        if raw >= 0 { return try arrive(raw, name) }
        let reason = Errno(errno)
        switch reason.code {
        case ENOENT where creation != nil: try make(name)
        case ENOTDIR, ELOOP: try follow(name, reason)
        default: throw PathError(path(of: name), "cannot be opened", reason)
        }
    }

    private mutating func arrive(_ raw: Int32, _ name: String) throws(PathError) {
        here = FileDescriptor(owning: raw)
        if name == ".." { _ = place.popLast() } else { place.append(name) }
        try check()
    }

    private mutating func check() throws(PathError) {
        let facts = try trust.check(here.raw, path: path())
        if facts.owner != 0 || facts.mode & 0o022 != 0 { isRootsAlone = false }
    }

    private mutating func make(_ name: String) throws(PathError) {
        guard let creation else { return }
        do throws(Errno) {
            try systemCall { unsafe mkdirat(here.raw, name, 0o700) }
            _ = try claimMade(name, in: here.raw, creation)
        } catch {
            // Another may have made it in the meantime: it is checked like any other.
            if error.code != EEXIST { throw PathError(path(of: name), "cannot be made", error) }
        }
        let raw = unsafe wif_open_directory(here.raw, name)
        guard raw >= 0 else { throw PathError(path(of: name), "cannot be opened", Errno(errno)) }
        try arrive(raw, name)
    }

    private mutating func follow(_ name: String, _ reason: Errno) throws(PathError) {
        let (link, target) = try about(path(of: name), "cannot be passed through") {
            () throws(Errno) in
            let link = try FileFacts(of: name, in: here.raw)
            guard link.kind == .symbolicLink else { throw reason }
            return (link, try linkTarget(name, in: here.raw))
        }
        guard isRootsAlone, link.owner == 0 else {
            throw PathError(
                path(of: name),
                "is a symbolic link that others than root could change",
                hint: "give the path it leads to: \(target)"
            )
        }
        linksFollowed += 1
        guard linksFollowed <= 40, !target.isEmpty else {
            throw PathError(path(of: name), "cannot be passed through", Errno(ELOOP))
        }
        ahead += target.split(separator: "/").map(String.init).filter { $0 != "." }.reversed()
        if target.hasPrefix("/") {
            here = try Self.root()
            place = []
        }
    }
}

/// Gives an open file its group, mode and owner, in the order in which no right is granted to the
/// wrong group and none is needed once the file is given away. `fchown(2)`, `fchmod(2)`
func assign(_ rights: FileRights, to descriptor: Int32) throws(Errno) {
    if let group = rights.group { try systemCall { fchown(descriptor, .max, group) } }
    try systemCall { fchmod(descriptor, rights.mode) }
    if let owner = rights.owner { try systemCall { fchown(descriptor, owner, .max) } }
}

/// Where a symbolic link leads, as it stands in the link. `readlink(2)`
/// - Throws: ``Errno``; `EINVAL` for what is no link.
package func linkTarget(of path: String) throws(Errno) -> String {
    try linkTarget(path, in: AT_FDCWD)
}

/// `readlinkat(2)`
func linkTarget(_ name: String, in directory: Int32) throws(Errno) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = try systemCall { unsafe readlinkat(directory, name, &buffer, buffer.count) }
    guard count < buffer.count else { throw Errno(ENAMETOOLONG) }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
