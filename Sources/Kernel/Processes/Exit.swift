import Glibc

/// Ends the process; what was printed is flushed, standard error for two seconds at most where nobody
/// reads it, but no exit handler runs: those of OpenSSL take away
/// what libcurl's thread may still be using. `_exit(2)`
package func exitProcess(_ status: Int32) -> Never {
    fflush(nil)
    ErrorStream.standard.flush(seconds: ErrorStream.patience)
    _exit(status)
}
