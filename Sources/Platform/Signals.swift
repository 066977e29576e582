internal import CLinux
import Glibc

/// Signals as something to wait for: from its making on they no longer end the process, and none is
/// lost. A handler reports them. `sigaction(2)`
///
/// Blocking them for a `signalfd` would not do: while an asynchronous `main` waits, libdispatch has
/// the first thread sit in `sigsuspend` with no signal blocked, where they would end the process.
package struct Signals: Sendable {
    private final class Handle: Sendable {
        let descriptor: FileDescriptor
        init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    }

    private let handle: Handle

    /// - Throws: ``Errno`` where the kernel gives no descriptor.
    package init(_ numbers: [Int32]) throws(Errno) {
        let descriptor = try systemCall { unsafe wif_signal_socket(numbers + [0]) }
        handle = Handle(FileDescriptor(owning: descriptor))
    }

    /// The next signal's number. One waiter at a time.
    /// - Throws: `CancellationError`.
    package func next() async throws -> Int32 {
        while true {
            let number = wif_next_signal(handle.descriptor.raw)
            if number > 0 { return number }
            try await Poller.shared.wait(for: handle.descriptor.raw, .reading)
        }
    }
}

/// Ignores a signal for good. `signal(7)`
package func ignoreSignal(_ number: Int32) {
    _ = Glibc.signal(number, SIG_IGN)
}

/// The numbers of the signals this program deals in. `signal(7)`
package enum Signal {
    package static let hangUp = SIGHUP
    package static let interrupt = SIGINT
    package static let pipe = SIGPIPE
    package static let terminate = SIGTERM
    package static let user1 = SIGUSR1
}
