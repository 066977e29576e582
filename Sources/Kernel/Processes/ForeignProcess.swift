import CLinux
import Glibc

/// A process that is not ours, held by a pidfd so that a signal cannot meet its successor.
package struct ForeignProcess: ~Copyable {
    private let pidfd: FileDescriptor
    package let pid: Int32
    /// Its real user id.
    package let uid: UInt32

    /// Takes hold of a running process. `pidfd_open(2)`, `proc_pid_status(5)`
    /// - Throws: ``Errno``, `ESRCH` where there is none.
    package init(_ pid: Int32) throws(Errno) {
        let pidfd = FileDescriptor(owning: try systemCall { wif_pidfd_open(pid) })
        let uid = try realUserID(of: pid)
        // Alive after the look: it was this process that was looked at.
        try systemCall { wif_pidfd_signal(pidfd.raw, 0) }
        self.pidfd = pidfd
        self.pid = pid
        self.uid = uid
    }

    /// - Throws: ``Errno``.
    package borrowing func signal(_ number: Int32) throws(Errno) {
        try systemCall { wif_pidfd_signal(pidfd.raw, number) }
    }
}

private func realUserID(of pid: Int32) throws(Errno) -> UInt32 {
    let path = "/proc/\(pid)/status"
    let raw = try systemCall { unsafe wif_openat(AT_FDCWD, path, O_RDONLY, 0) }
    let file = FileDescriptor(owning: raw)
    let text = String(decoding: try file.read(upTo: 4096), as: UTF8.self)
    for line in text.split(separator: "\n") where line.hasPrefix("Uid:") {
        let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
        if words.count > 1, let uid = UInt32(words[1]) { return uid }
    }
    throw Errno(ESRCH)
}
