import CLinux
import Glibc

/// Somebody beside its owner who may write to a file or directory.
package enum Writer: Hashable, Sendable {
    /// Its group, by its mode.
    case group(UInt32)
    /// Everybody, by its mode.
    case everyone
    /// A user whom its access list names. `acl(5)`
    case namedUser(UInt32)
    /// A group that its access list names.
    case namedGroup(UInt32)

    /// Whether it is root, or one of these.
    func isTrusted(owners: Set<UInt32>, groups trusted: Set<UInt32>) -> Bool {
        switch self {
        case .group(let id), .namedGroup(let id): trusted.contains(id)
        case .everyone: false
        case .namedUser(let id): id == 0 || owners.contains(id)
        }
    }

    /// That it is somebody who is not trusted, and what takes the right away.
    func error(_ path: String, _ facts: FileFacts, mayBeSticky: Bool = false) -> PathError {
        let mode = "(mode \(facts.modeText))"
        let sticky = mayBeSticky ? ", or set the sticky bit: chmod +t \(path)" : ""
        switch self {
        case .everyone:
            return PathError(
                path,
                "is writable by others \(mode)",
                hint: (mayBeSticky ? "chmod o-w \(path)" : "chmod go-w \(path)") + sticky
            )
        case .group(let id):
            return PathError(
                path,
                "is writable by its group \(groupDescription(id)) \(mode)",
                hint: "chmod g-w \(path)" + sticky
            )
        case .namedUser(let id):
            return PathError(
                path,
                "is writable by the user \(userDescription(id)), whom its access list names",
                hint: "setfacl -x u:\(id) \(path)" + sticky
            )
        case .namedGroup(let id):
            return PathError(
                path,
                "is writable by the group \(groupDescription(id)), which its access list names",
                hint: "setfacl -x g:\(id) \(path)" + sticky
            )
        }
    }
}

/// Everybody beside its owner who may write to an open file or directory (`O_PATH` is enough): by its
/// mode, and by its access list. The one place that answers this.
/// - Throws: ``PathError`` where the access list cannot be read.
func otherWriters(
    of descriptor: Int32,
    _ facts: FileFacts,
    path: @autoclosure () -> String
) throws(PathError) -> [Writer] {
    var writers: [Writer] = facts.mode & 0o002 == 0 ? [] : [.everyone]
    // With an access list these bits are its mask: without them nobody whom it names may write.
    guard facts.mode & 0o020 != 0 else { return writers }
    let list = try about(path(), "has an access list that cannot be read") { () throws(Errno) in
        do throws(Errno) {
            return try AccessList(of: descriptor)
        } catch {
            // Without /proc; what is not there itself has been told before.
            throw error == .notFound ? .noAccess : error
        }
    }
    guard let list else { return writers + [.group(facts.group)] }
    for entry in list.entries where entry.mayWrite {
        switch entry.tag {
        case .owningGroup: writers.append(.group(facts.group))
        case .user where entry.id != facts.owner: writers.append(.namedUser(entry.id))
        case .group: writers.append(.namedGroup(entry.id))
        case .user, .owner, .mask, .others: break
        }
    }
    return writers
}

/// Whether an open file or directory has an access list beyond its mode. `acl(5)`
/// - Throws: ``Errno``.
func hasAccessList(_ descriptor: Int32) throws(Errno) -> Bool {
    try AccessList(of: descriptor) != nil
}

/// Whether an access list gives a user rights that the mode alone does not tell of; false where there is none
/// or it cannot be read. `acl(5)`
func accessListGrants(_ bits: UInt32, at path: String, to user: FileUser) -> Bool {
    do throws(Errno) {
        let raw = try systemCall { unsafe wif_open_path(AT_FDCWD, path) }
        let file = FileDescriptor(owning: raw)
        guard let list = try AccessList(of: file.raw) else { return false }
        let mask = list.entries.first { $0.tag == .mask }?.bits ?? 7
        return list.entries.contains { entry in
            let isUsers =
                (entry.tag == .user && entry.id == user.id)
                || (entry.tag == .group && user.groups.contains(entry.id))
            return isUsers && entry.bits & mask & bits == bits
        }
    } catch {
        return false
    }
}

/// A POSIX access list as the kernel stores it in `system.posix_acl_access`: a version (2) in four bytes,
/// then entries of tag and permissions in two bytes each and an id in four, all little-endian.
/// `<linux/posix_acl_xattr.h>`
private struct AccessList {
    enum Tag: UInt32 {
        case owner = 0x01
        case user = 0x02
        case owningGroup = 0x04
        case group = 0x08
        case mask = 0x10
        case others = 0x20
    }

    struct Entry {
        let tag: Tag
        let bits: UInt32
        let id: UInt32

        var mayWrite: Bool { bits & 2 != 0 }
    }

    let entries: [Entry]

    /// `nil` where there is none.
    /// - Throws: ``Errno``; `EINVAL` for another form than the one that is known.
    init?(of descriptor: Int32) throws(Errno) {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let length = try systemCall {
            unsafe wif_access_list(descriptor, &bytes, bytes.count)
        }
        guard length > 0 else { return nil }
        let rest = bytes[..<Int(length)]
        guard rest.count % 8 == 4, rest.littleEndian(at: 0, 4) == 2 else { throw Errno(EINVAL) }
        var entries: [Entry] = []
        for start in stride(from: 4, to: rest.count, by: 8) {
            guard let tag = Tag(rawValue: rest.littleEndian(at: start, 2)) else {
                throw Errno(EINVAL)
            }
            entries.append(
                Entry(
                    tag: tag,
                    bits: rest.littleEndian(at: start + 2, 2),
                    id: rest.littleEndian(at: start + 4, 4)
                )
            )
        }
        self.entries = entries
    }
}

extension ArraySlice<UInt8> {
    fileprivate func littleEndian(at start: Int, _ count: Int) -> UInt32 {
        self[start..<start + count].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
