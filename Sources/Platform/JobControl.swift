internal import CLinux
import Glibc

extension ChildProcess {
    /// Whether the child was stopped since the last look. `waitid(2)`, `WSTOPPED`
    package var hasStopped: Bool { wif_stopped_child(pid) != 0 }
}

/// Stops this process as its terminal's user has stopped its child, until it is continued.
///
/// - Returns: `false` at once where there is nobody who would continue it: no terminal, or it is the
///   first process of a container.
package func stopWithTerminal() -> Bool {
    guard getpid() != 1 else { return false }
    let terminal = unsafe wif_openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK, 0)
    guard terminal >= 0 else { return false }
    close(terminal)
    return kill(getpid(), SIGSTOP) == 0
}
