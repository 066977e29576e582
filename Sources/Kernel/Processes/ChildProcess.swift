import CLinux
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
        /// Gives the child what this process was started with, in place of what it gave itself.
        package var origin: ProcessOrigin?
        /// Makes the child a worker: what this does not allow it gives up before the program starts.
        package var allowance: Sandbox.Allowance?
        /// Byte for byte, where they need not be UTF-8; the first one is the path, too.
        package var exactArguments: [[UInt8]]?
        /// `NAME=value` entries, byte for byte, in place of `environment`.
        package var exactEnvironment: [[UInt8]]?

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

        fileprivate var argumentBytes: [[UInt8]] {
            exactArguments ?? arguments.map { Array($0.utf8) }
        }

        fileprivate var environmentBytes: [[UInt8]] {
            exactEnvironment ?? environment.map { Array("\($0.key)=\($0.value)".utf8) }
        }
    }

    package let pid: Int32
    private let request: Request
    private let pidfd: FileDescriptor
    private let status = Mutex<ExitStatus?>(nil)

    /// Starts the program. `fork(2)`, `execve(2)`
    /// - Throws: ``Errno`` of what failed, `ENOENT` and `EACCES` of the program included.
    package init(_ request: Request) throws(Errno) {
        let (pid, pidfd) = try ChildRegistry.start { () throws(Errno) in
            try unsafe withCStrings(request.argumentBytes) { arguments throws(Errno) in
                try unsafe withCStrings(request.environmentBytes) { environment throws(Errno) in
                    try unsafe Self.spawn(request, arguments, environment)
                }
            }
        }
        self.pid = pid
        self.pidfd = FileDescriptor(owning: pidfd)
        self.request = request
    }

    private static func spawn(
        _ request: Request,
        _ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>,
        _ environment: UnsafePointer<UnsafeMutablePointer<CChar>?>
    ) throws(Errno) -> (pid: Int32, pidfd: Int32) {
        var pidfd: Int32 = -1
        let inherited = request.origin?.descriptors ?? []
        let path = request.exactArguments?.first ?? Array(request.path.utf8)
        let result = unsafe (path + [0]).map(CChar.init(bitPattern:)).withUnsafeBufferPointer {
            path in
            unsafe request.descriptors.withUnsafeBufferPointer { descriptors in
                unsafe inherited.withUnsafeBufferPointer { inherited in
                    var origin = unsafe wif_process_origin(request.origin, inherited)
                    var confinement = wif_confinement(request.allowance ?? [])
                    return unsafe withUnsafePointers(&origin, &confinement) { origin, confinement in
                        var spawn = unsafe wif_spawn_request()
                        unsafe spawn.path = path.baseAddress
                        unsafe spawn.arguments = arguments
                        unsafe spawn.environment = environment
                        unsafe spawn.descriptors = descriptors.baseAddress
                        unsafe spawn.count = Int32(descriptors.count)
                        unsafe spawn.search = request.searchesPath
                        unsafe spawn.new_group = request.leadsGroup
                        unsafe spawn.origin = request.origin == nil ? nil : origin
                        unsafe spawn.confinement = request.allowance == nil ? nil : confinement
                        return unsafe wif_spawn(&spawn, &pidfd)
                    }
                }
            }
        }
        if result < 0 { throw Errno(errno) }
        return (result, pidfd)
    }

    deinit {
        guard status.withLock({ $0 == nil }) else { return }
        signal(SIGKILL)
        ChildRegistry.reapLater(pid)
    }

    /// Waits for the end; may be asked again.
    /// - Throws: `CancellationError`; the child then goes on.
    package func wait() async throws -> ExitStatus {
        while true {
            if let status = reap() { return status }
            try await Poller.shared.waitPersistently(for: pidfd.raw, .reading)
        }
    }

    /// How it ended; `nil` while it runs.
    package func statusIfEnded() -> ExitStatus? { reap() }

    /// Waits for the end without reaping: the process group can still be signalled then.
    /// - Throws: `CancellationError`; the child then goes on.
    package func ended() async throws {
        if status.withLock({ $0 != nil }) { return }
        try await Poller.shared.waitPersistently(for: pidfd.raw, .reading)
    }

    /// Sends a signal, to the whole process group where the child leads one; a dead child gets none.
    package func signal(_ number: Int32) {
        guard status.withLock({ $0 == nil }) else { return }
        guard request.leadsGroup else {
            _ = wif_pidfd_signal(pidfd.raw, number)
            return
        }
        ChildRegistry.ifUnreaped(pid) { _ = kill(-pid, number) }
    }

    /// Kills the child and every process that descends from it, those included that are in no group of its.
    package func killWithDescendants() {
        ChildRegistry.ifUnreaped(pid) {
            // It starts no more while it is stopped, and its descendants are found as long as it is there.
            _ = kill(pid, SIGSTOP)
            killDescendants(of: pid)
        }
        signal(SIGKILL)
    }

    private func reap() -> ExitStatus? {
        status.withLock { status in
            if let status { return status }
            guard let word = ChildRegistry.reap(pid) else { return nil }
            let number = word & 0x7F
            status = number == 0 ? .exited((word >> 8) & 0xFF) : .signaled(number)
            return status
        }
    }
}

/// Lends both values as C takes them.
@unsafe private func withUnsafePointers<First, Second, Result>(
    _ first: inout First,
    _ second: inout Second,
    _ body: (UnsafePointer<First>, UnsafePointer<Second>) -> Result
) -> Result {
    unsafe withUnsafePointer(to: &first) { first in
        unsafe withUnsafePointer(to: &second) { second in unsafe body(first, second) }
    }
}

/// Lends the strings as a NULL-terminated vector for C.
private func withCStrings<Result>(
    _ strings: [[UInt8]],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) throws(Errno) -> Result
) throws(Errno) -> Result {
    let copies = unsafe strings.map { string in
        unsafe (string + [0]).map(CChar.init(bitPattern:)).withUnsafeBufferPointer { text in
            unsafe text.baseAddress.flatMap { unsafe strdup($0) }
        }
    }
    defer { unsafe copies.forEach { pointer in unsafe free(pointer) } }
    let vector = unsafe copies + [nil]
    return try unsafe vector.withUnsafeBufferPointer { buffer throws(Errno) in
        guard let base = buffer.baseAddress else { throw Errno(EINVAL) }
        return try unsafe body(base)
    }
}

extension wif_process_origin {
    fileprivate init(_ origin: ProcessOrigin?, _ inherited: UnsafeBufferPointer<Int32>) {
        unsafe self.init(
            mask: origin?.mask ?? 0,
            core_soft: origin?.coreLimit.soft ?? 0,
            core_hard: origin?.coreLimit.hard ?? 0,
            ignored: origin?.ignored ?? 0,
            inherited: inherited.baseAddress,
            inherited_count: Int32(inherited.count)
        )
    }
}
