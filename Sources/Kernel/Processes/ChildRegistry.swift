import CLinux
import Glibc
import Synchronization

/// Which children have an owner, so that whoever reaps the others takes no status away from it.
enum ChildRegistry {
    /// The wait status of each child that somebody owns, once an orphan's reaper has met it.
    private static let children = Mutex<[Int32: Int32?]>([:])

    /// Whether this process has no child that it started and that somebody owns.
    static var isEmpty: Bool { children.withLock(\.isEmpty) }

    /// Starts a child while nobody reaps.
    static func start(
        _ body: () throws(Errno) -> (pid: Int32, pidfd: Int32)
    ) throws(Errno) -> (pid: Int32, pidfd: Int32) {
        try children.withLock { (children) throws(Errno) in
            let child = try body()
            children[child.pid] = .some(nil)
            return child
        }
    }

    /// The wait status if the child has ended; it is then forgotten. `waitpid(2)`
    static func reap(_ pid: Int32) -> Int32? {
        children.withLock { children in
            if let known = children[pid], let word = known {
                children[pid] = nil
                return word
            }
            var word: Int32 = 0
            guard unsafe waitpid(pid, &word, WNOHANG) == pid else { return nil }
            children[pid] = nil
            return word
        }
    }

    /// Waits for a child that is about to end and that nobody asks after any more.
    static func reapLater(_ pid: Int32) {
        let isGone = children.withLock { children in
            defer { children[pid] = nil }
            return children[pid].map { $0 != nil } ?? true
        }
        if isGone { return }
        let wait: @Sendable () -> Void = { while waitpid(pid, nil, 0) < 0, errno == EINTR {} }
        do throws(Errno) {
            // A dying process takes its time to give its memory back; nobody has to watch.
            try startThread(named: "reaper", wait)
        } catch {
            wait()
        }
    }

    /// Runs the body if the child's number is still its own.
    static func ifUnreaped(_ pid: Int32, _ body: () -> Void) {
        children.withLock { children in
            if let known = children[pid], known == nil { body() }
        }
    }

    /// Reaps what has ended; whether there are children left that have not.
    @discardableResult
    static func reapAll() -> Bool {
        children.withLock { children in
            var word: Int32 = 0
            while true {
                let pid = unsafe waitpid(-1, &word, WNOHANG)
                if pid < 0, errno == EINTR { continue }
                guard pid > 0 else { return pid == 0 }
                if children[pid] != nil { children[pid] = .some(word) }
            }
        }
    }
}

/// Makes this process the one that orphans of its descendants fall to. `prctl(2)`,
/// `PR_SET_CHILD_SUBREAPER`
package func adoptOrphans() {
    _ = wif_set_child_subreaper()
}

/// Reaps what has ended and belongs to no ``ChildProcess``, as the first process of a container must.
package func reapOrphans() {
    ChildRegistry.reapAll()
}
