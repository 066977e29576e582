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
        if let objection = accessObjection(path) { throw objection }
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

    /// What keeps this user from the socket; `nil` where the kernel lets it connect.
    private func accessObjection(_ path: String) -> SourceError? {
        do throws(Errno) {
            try checkConnecting(to: path)
            return nil
        } catch {
            guard error == .noAccess else { return nil }
        }
        let user = FileUser.current()
        let who = userDescription(user.id)
        let facts = FileFacts(ifAt: path)
        let closed = user.closedDirectory(above: path)
        let place = closed?.path ?? path
        let group = (closed?.facts ?? facts).map { groupDescription($0.group) } ?? "its group"
        return SourceError(
            .misconfigured,
            "\(path.printable): \(who) may not connect to it: \(place.printable) is closed to that user"
                + (facts.map { " (mode \($0.modeText), owner \(userDescription($0.owner)))" } ?? ""),
            hint:
                "add \(who) to the group \(group) that may (usermod -aG; for a unit SupplementaryGroups=), or have the"
                + " program that makes the socket open it to others"
        )
    }
}
