package import Federation
package import Kernel
internal import Text

extension HookRunner {
    /// Tells, without running or signalling anything, whether an agent that runs as the user could run
    /// the hook; answers what there is.
    /// - Throws: ``Failure``, in the words with which the hook would fail.
    package func examine(_ hook: RefreshHook, as user: FileUser) throws(Failure) -> String {
        switch hook {
        case .command(let command, _):
            let name = command.first ?? ""
            do throws(PathError) {
                let program = try trustedFile(name, owners: [user.id])
                try checkRunning(program, as: user)
                return "\(program.printable) can be run"
            } catch {
                throw failure(name, "is not run: \(error)", hint: error.hint)
            }
        case .signal(let name, let pidFile):
            guard signalNumber(name) != nil else {
                throw failure(pidFile, "no signal \"\(name)\" that a hook could send")
            }
            do throws(PathError) {
                _ = try openTrusted(pidFile, owners: [user.id])
                return "\(pidFile.printable) names whom to signal"
            } catch {
                // The program that writes it may yet start.
                if error.reason == .notFound {
                    return "\(pidFile.printable) is not there: nobody would be signalled now"
                }
                throw failure(pidFile, "is not used: \(error)", hint: error.hint)
            }
        }
    }

    private func checkRunning(_ program: String, as user: FileUser) throws(PathError) {
        do throws(Errno) {
            if user.isCurrent {
                try checkExecutable(program)
            } else if !user.may(1, try FileFacts(at: program)) {
                throw .noAccess
            }
        } catch {
            throw PathError(program, "cannot be run by \(userDescription(user.id))", error)
        }
    }
}
