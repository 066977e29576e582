import Federation
import Kernel
import Synchronization

/// The agent's control socket, and the lock that says that an agent has the runtime directory.
///
/// The lock counts, not the socket: where somebody removes the socket no second agent starts, and this
/// one makes the socket again.
final class ControlSocket: Sendable {
    private struct Present {
        var lock: DirectoryLock
        var directory: Directory
        var socket: UnixListener
        var listener: Listener
        var isClosed = false

        /// Whether a client that goes by the directory's path comes here.
        var hasSocket: Bool {
            guard directory.isCurrent, let facts = socket.facts else { return false }
            do throws(PathError) {
                return try directory.facts(of: ControlSocket.name)?.isSameFile(as: facts) == true
            } catch {
                return false
            }
        }
    }

    static let name = "control.sock"
    static let lockName = "agent.lock"
    /// Seconds until what could not be made is tried again.
    private static let pause = 5.0

    let directory: String
    private let group: UInt32?
    private let present: Mutex<Present>

    /// Makes the runtime directory where it is missing, locks it, and listens.
    ///
    /// - Parameter group: that may connect beside the agent's user.
    /// - Throws: ``PathError``.
    init(in directory: String, group: UInt32?) throws(PathError) {
        self.directory = directory
        self.group = group
        let opened = try Self.open(directory)
        let lock = try Self.lock(opened)
        present = Mutex(try Self.make(in: opened, lock, group))
    }

    /// Waits for a connection; as ``Listener/accept()``, wherever the socket is by then.
    func accept() async throws -> SocketStream {
        while true {
            let listener = present.withLock(\.listener)
            do {
                return try await listener.accept()
            } catch let error as Errno {
                // It was ended when another took its place.
                guard present.withLock({ $0.listener !== listener }) else { throw error }
            }
        }
    }

    /// Sees that the socket and the lock are there until cancelled; nothing wakes up while nothing is
    /// done to them.
    func keep(_ log: Log, on timekeeper: any Timekeeper) async {
        let watch = PathWatch()
        let places = [Self.name, Self.lockName].map {
            (path: "\(directory)/\($0)", interest: PathWatch.Interest.file)
        }
        while !Task.isCancelled {
            do {
                try watch.watch(places)
                if try restore(log) { continue }
                _ = try await watch.next(settling: 0.02, on: timekeeper)
            } catch is CancellationError {
                return
            } catch {
                log(.error, .servingFailed, about: Self.name, ["error": "control socket: \(error)"])
                let next = timekeeper.now.advanced(bySeconds: Self.pause)
                do { try await timekeeper.sleep(until: next) } catch { return }
            }
        }
    }

    func close() {
        let socket = present.withLock { present in
            present.isClosed = true
            return present.socket
        }
        socket.close()
    }

    /// Makes what is missing; whether something was.
    private func restore(_ log: Log) throws(PathError) -> Bool {
        var isRestored = false
        if try restoreLock() {
            log(.warning, .controlSocketRestored, ["path": "\(directory)/\(Self.lockName)"])
            isRestored = true
        }
        if let old = try restoreSocket() {
            // Who waits for its next connection comes back for the new one.
            old.listener.end()
            old.socket.close()
            log(.warning, .controlSocketRestored, ["path": "\(directory)/\(Self.name)"])
            isRestored = true
        }
        log.end(.servingFailed, about: Self.name)
        return isRestored
    }

    private func restoreLock() throws(PathError) -> Bool {
        try present.withLock { (present) throws(PathError) in
            guard !present.isClosed, !present.lock.isCurrent else { return false }
            if !present.directory.isCurrent { present.directory = try Self.open(directory) }
            present.lock = try Self.lock(present.directory)
            return true
        }
    }

    /// - Returns: what the new one has replaced.
    private func restoreSocket() throws(PathError) -> Present? {
        try present.withLock { (present) throws(PathError) in
            guard !present.isClosed, !present.hasSocket else { return nil }
            let old = present
            present = try Self.make(in: old.directory, old.lock, group)
            return old
        }
    }

    private static func open(_ directory: String) throws(PathError) -> Directory {
        try Directory.open(
            directory,
            trust: DirectoryTrust(owners: [effectiveUserID()], groups: []),
            creating: FileRights(mode: 0o755)
        )
    }

    private static func lock(_ directory: Directory) throws(PathError) -> DirectoryLock {
        do throws(PathError) {
            return try DirectoryLock(lockName, in: directory)
        } catch {
            throw PathError(
                directory.path(of: name),
                error.reason == .noAccess
                    ? "cannot be made: \(error)" : "is another agent's: \(error)",
                hint: error.reason == .noAccess
                    ? "this user may not write there: run the agent as the directory's owner, or choose another"
                        + " --runtime-dir"
                    : error.hint ?? "stop that one first, or give this one another --runtime-dir"
            )
        }
    }

    private static func make(
        in directory: Directory,
        _ lock: DirectoryLock,
        _ group: UInt32?
    ) throws(PathError) -> Present {
        let socket = try UnixListener(
            binding: name,
            in: directory,
            mode: group == nil ? 0o600 : 0o660,
            group: group
        )
        do throws(Errno) {
            let listener = try Listener(owning: duplicate(socket.raw), reserve: .half)
            return Present(lock: lock, directory: directory, socket: socket, listener: listener)
        } catch {
            socket.close()
            throw PathError(directory.path(of: name), "cannot be listened on", error)
        }
    }
}
