import CLinux
import Glibc

extension ChildProcess {
    /// Whether the child was stopped since the last look. `waitid(2)`, `WSTOPPED`
    package var hasStopped: Bool { wif_stopped_child(pid) != 0 }
}

/// Stops this process as its terminal's user has stopped its child, until it is continued; not where
/// nobody would continue it: without a terminal, or as the first process of a container.
///
/// A process stops once one of its threads has met the signal: this one may return before that.
package func stopWithTerminal() {
    guard getpid() != 1 else { return }
    let terminal = unsafe wif_openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK, 0)
    guard terminal >= 0 else { return }
    close(terminal)
    kill(getpid(), SIGSTOP)
}
