import Federation
import Kernel
import Text

extension SourceContext {
    /// Checks that a platform's Unix socket is there, and that this worker may connect to one.
    ///
    /// - Parameter hint: what to do where it is not there.
    /// - Throws: ``SourceError`` that says which of the two it is.
    func checkUnixSocket(_ path: String, hint: String) throws(SourceError) {
        do throws(Errno) {
            _ = try FileFacts(at: path)
        } catch {
            throw SourceError(.noSource, "\(path.printable): \(error)", hint: hint, isAbsent: true)
        }
        guard connectsUnixSockets else {
            throw SourceError(
                .misconfigured,
                "\(path.printable) cannot be used: this worker may not connect to Unix sockets",
                hint:
                    "start it as wif-exchange --unix-sockets; the one behind a socket is started by"
                    + " its unit"
            )
        }
    }
}
