import Glibc

/// Ends the process; what was printed is flushed, but no exit handler runs: those of OpenSSL take away
/// what libcurl's thread may still be using. `_exit(2)`
package func exitProcess(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
}

extension Signals {
    /// `SIGTERM`: end in order.
    package static let terminate = SIGTERM
    /// `SIGINT`: the user's Ctrl-C.
    package static let interrupt = SIGINT
}
