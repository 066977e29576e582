import CLinux
import Glibc

/// Signals as something to wait for: from its making on they no longer end the process, and none is
/// lost. A handler reports them. `sigaction(2)`
///
/// Blocking them for a `signalfd` would not do: while an asynchronous `main` waits, libdispatch has
/// the first thread sit in `sigsuspend` with no signal blocked, where they would end the process.
package struct Signals: Sendable {
    @safe private final class Handle: Sendable {
        // Never freed, and changed by one taker at a time and the handlers alone.
        nonisolated(unsafe) let queue: OpaquePointer
        let descriptor: FileDescriptor

        init(_ numbers: [Int32]) throws(Errno) {
            var descriptor: Int32 = -1
            guard let queue = unsafe wif_signal_queue_open(numbers + [0], &descriptor) else {
                throw Errno(errno)
            }
            unsafe self.queue = queue
            self.descriptor = FileDescriptor(owning: descriptor)
        }
    }

    private let handle: Handle

    /// - Throws: ``Errno`` where the kernel gives no descriptor.
    package init(_ numbers: [Int32]) throws(Errno) { handle = try Handle(numbers) }

    /// The next signal's number. One waiter at a time.
    /// - Throws: `CancellationError`.
    package func next() async throws -> Int32 { try await nextArrival().number }

    /// The next signal and where it came from. One waiter at a time.
    /// - Throws: `CancellationError`.
    package func nextArrival() async throws -> Arrival {
        while true {
            var signal = wif_signal()
            if unsafe wif_next_signal(handle.queue, &signal) == 0 {
                return Arrival(
                    number: signal.number,
                    sender: signal.sender,
                    isFromKernel: signal.from_kernel
                )
            }
            try await Poller.shared.waitPersistently(for: handle.descriptor.raw, .reading)
        }
    }

    /// A signal that has arrived.
    package struct Arrival: Sendable {
        package let number: Int32
        /// The sending process; 0 where the kernel is the sender.
        package let sender: Int32
        /// As those that a terminal sends to the whole of its foreground process group.
        package let isFromKernel: Bool
    }
}

/// Ignores a signal for good. `signal(7)`
package func ignoreSignal(_ number: Int32) {
    _ = Glibc.signal(number, SIG_IGN)
}

/// The numbers of the signals this program deals in. `signal(7)`
package enum Signal {
    package static let child = SIGCHLD
    package static let resume = SIGCONT
    package static let hangUp = SIGHUP
    package static let interrupt = SIGINT
    package static let kill = SIGKILL
    package static let pipe = SIGPIPE
    package static let quit = SIGQUIT
    package static let terminate = SIGTERM
    package static let user1 = SIGUSR1

    /// What a wrapper hands on to the program it stands for: everything that a process is sent on
    /// purpose, the real-time signals included.
    package static let forwarded: [Int32] =
        [
            SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGTSTP, SIGWINCH,
            SIGPWR, SIGURG, SIGIO,
        ] + Array(34...64)

    /// A signal's number by its name, with or without SIG; only such as ask a process for something.
    package static func number(named name: String) -> Int32? {
        requests[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name]
    }

    /// The names that ``number(named:)`` knows, without SIG, sorted.
    package static var names: [String] { requests.keys.sorted() }

    private static let requests = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "USR1": SIGUSR1, "USR2": SIGUSR2,
        "TERM": SIGTERM, "CONT": SIGCONT, "WINCH": SIGWINCH,
    ]
}
