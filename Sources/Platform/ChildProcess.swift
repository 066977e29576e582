internal import CLinux
import Glibc
import Synchronization

/// A started child process, told apart by its pidfd so that no signal meets a stranger.
///
/// It is killed and reaped when the last reference goes, should nobody have waited for it.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum ExitStatus: Equatable, Sendable, CustomStringConvertible {
        case exited(Int32)
        case signaled(Int32)

        package var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .signaled(let number): "signal \(number)"
            }
        }
    }

    /// What to start, and with what.
    package struct Request: Sendable {
        package var path: String
        /// The whole argument vector, the program's name first.
        package var arguments: [String]
        package var environment: [String: String]
        /// Become 0, 1, 2, … in the child, which has no others; -1 is /dev/null. Borrowed.
        package var descriptors: [Int32]
        /// Whether `path` is looked for along the parent's PATH.
        package var searchesPath = false
        /// Whether the child leads a process group of its own.
        package var leadsGroup = false

        package init(
            path: String,
            arguments: [String],
            environment: [String: String],
            descriptors: [Int32]
        ) {
            self.path = path
            self.arguments = arguments
            self.environment = environment
            self.descriptors = descriptors
        }
    }

    package let pid: Int32
    private let request: Request
    private let pidfd: FileDescriptor
    private let status = Mutex<ExitStatus?>(nil)

    /// Starts the program. `fork(2)`, `execve(2)`
    /// - Throws: ``Errno`` of what failed, `ENOENT` and `EACCES` of the program included.
    package init(_ request: Request) throws(Errno) {
        var pidfd: Int32 = -1
        let variables = request.environment.map { "\($0.key)=\($0.value)" }
        pid = try unsafe withCStrings(request.arguments) { arguments throws(Errno) in
            try unsafe withCStrings(variables) { environment throws(Errno) in
                try unsafe Self.spawn(request, arguments, environment, &pidfd)
            }
        }
        self.pidfd = FileDescriptor(owning: pidfd)
        self.request = request
    }

    private static func spawn(
        _ request: Request,
        _ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>,
        _ environment: UnsafePointer<UnsafeMutablePointer<CChar>?>,
        _ pidfd: inout Int32
    ) throws(Errno) -> Int32 {
        let result = unsafe request.path.withCString { path in
            unsafe request.descriptors.withUnsafeBufferPointer { descriptors in
                var spawn = unsafe wif_spawn_request()
                unsafe spawn.path = path
                unsafe spawn.arguments = arguments
                unsafe spawn.environment = environment
                unsafe spawn.descriptors = descriptors.baseAddress
                unsafe spawn.count = Int32(descriptors.count)
                unsafe spawn.search = request.searchesPath
                unsafe spawn.new_group = request.leadsGroup
                return unsafe wif_spawn(&spawn, &pidfd)
            }
        }
        if result < 0 { throw Errno(errno) }
        return result
    }

    deinit {
        guard status.withLock({ $0 == nil }) else { return }
        signal(SIGKILL)
        _ = reap(blocking: true)
    }

    /// Waits for the end; may be asked again.
    /// - Throws: `CancellationError`; the child then goes on.
    package func wait() async throws -> ExitStatus {
        while true {
            if let status = reap(blocking: false) { return status }
            try await Poller.shared.wait(for: pidfd.raw, .reading)
        }
    }

    /// Waits for the end without reaping: the process group can still be signalled then.
    /// - Throws: `CancellationError`; the child then goes on.
    package func ended() async throws {
        if status.withLock({ $0 != nil }) { return }
        try await Poller.shared.wait(for: pidfd.raw, .reading)
    }

    /// Sends a signal, to the whole process group where the child leads one; a dead child gets none.
    package func signal(_ number: Int32) {
        status.withLock { status in
            guard status == nil else { return }
            _ = request.leadsGroup ? kill(-pid, number) : wif_pidfd_signal(pidfd.raw, number)
        }
    }

    private func reap(blocking: Bool) -> ExitStatus? {
        status.withLock { status in
            if let status { return status }
            var word: Int32 = 0
            let answer = systemCallResult {
                unsafe waitpid(pid, &word, blocking ? 0 : Int32(WNOHANG))
            }
            guard answer == pid else { return nil }
            let number = word & 0x7F
            status = number == 0 ? .exited((word >> 8) & 0xFF) : .signaled(number)
            return status
        }
    }

    private func systemCallResult(_ call: () -> Int32) -> Int32 {
        do { return try systemCall(call) } catch { return -1 }
    }
}

/// Lends the strings as a NULL-terminated vector for C.
private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) throws(Errno) -> Result
) throws(Errno) -> Result {
    let copies = unsafe strings.map { unsafe strdup($0) }
    defer { unsafe copies.forEach { pointer in unsafe free(pointer) } }
    let vector = unsafe copies + [nil]
    return try unsafe vector.withUnsafeBufferPointer { buffer throws(Errno) in
        guard let base = buffer.baseAddress else { throw Errno(EINVAL) }
        return try unsafe body(base)
    }
}
