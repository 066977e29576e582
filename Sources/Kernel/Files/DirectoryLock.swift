import CLinux
import Glibc

/// Says that a process has a directory for its own: a lock on a file in it, which goes with the process
/// however that ends. `flock(2)`
package final class DirectoryLock: Sendable {
    private let directory: Directory
    private let name: String
    private let file: FileDescriptor
    private let facts: FileFacts

    /// Takes the lock; the file is made where it is missing, 0600, and stays.
    ///
    /// - Throws: ``PathError`` where a process has it, or where the file is none of this user's own.
    package init(_ name: String, in directory: Directory) throws(PathError) {
        self.directory = directory
        self.name = name
        let path = directory.path(of: name)
        // Somebody may remove it between its opening and its locking.
        for _ in 0..<8 {
            let file = try Self.open(name, in: directory)
            let facts = try about(path, "cannot be examined") { () throws(Errno) in
                try FileFacts(of: file.raw)
            }
            guard facts.kind == .regular, facts.owner == geteuid() else {
                let owner = userDescription(facts.owner)
                throw PathError(
                    path,
                    "is \(facts.kind.rawValue) of \(owner)",
                    hint: "does an agent of that user run there? If none does, remove it"
                )
            }
            try Self.lock(file.raw, path)
            guard try directory.facts(of: name)?.isSameFile(as: facts) == true else { continue }
            Self.write("\(getpid())\n", to: file.raw)
            self.file = file
            self.facts = facts
            return
        }
        throw PathError(path, "cannot be locked: it is removed again and again")
    }

    /// Whether the lock is what another process would meet: the file may have been removed.
    package var isCurrent: Bool {
        do throws(PathError) {
            guard directory.isCurrent else { return false }
            return try directory.facts(of: name)?.isSameFile(as: facts) == true
        } catch {
            return false
        }
    }

    private static func open(
        _ name: String,
        in directory: Directory
    ) throws(PathError) -> FileDescriptor {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        let raw = try about(directory.path(of: name), "cannot be opened") { () throws(Errno) in
            try systemCall { unsafe wif_openat(directory.raw, name, flags, 0o600) }
        }
        return FileDescriptor(owning: raw)
    }

    private static func lock(_ raw: Int32, _ path: String) throws(PathError) {
        do throws(Errno) {
            try systemCall { flock(raw, LOCK_EX | LOCK_NB) }
        } catch {
            // A file system without locks leaves it to whoever serves a socket there.
            if [ENOSYS, EOPNOTSUPP, ENOLCK].contains(error.code) { return }
            guard error == .wouldBlock else { throw PathError(path, "cannot be locked", error) }
            var holder: [UInt8] = []
            do throws(Errno) { holder = try read(raw, upTo: 16) } catch {}
            let number = Int32(String(decoding: holder.prefix { $0 != 0x0A }, as: UTF8.self))
            let process = number.map { "process \($0)" } ?? "another process"
            throw PathError(path, "is locked by \(process)")
        }
    }

    /// For whoever wonders; it is the lock that counts.
    private static func write(_ text: String, to raw: Int32) {
        _ = ftruncate(raw, 0)
        let bytes = Array(text.utf8)
        do throws(Errno) { _ = try unsafe Kernel.write(raw, bytes.span.bytes) } catch {}
    }
}
