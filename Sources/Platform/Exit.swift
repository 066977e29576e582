import Glibc

/// Ends the process. `exit(3)`
package func exitProcess(_ status: Int32) -> Never {
    Glibc.exit(status)
}

extension Signals {
    /// `SIGTERM`: end in order.
    package static let terminate = SIGTERM
    /// `SIGINT`: the user's Ctrl-C.
    package static let interrupt = SIGINT
}
