package import Federation
package import Kernel
import Text

extension HookRunner {
    /// What there is of a hook, and what to do where it would do nothing now.
    package struct Finding: Sendable {
        package let text: String
        package var hint: String?
    }

    /// Tells, without running or signalling anything, whether an agent that runs as the user could run
    /// the hook; answers what there is.
    /// - Throws: ``Failure``, in the words with which the hook would fail.
    package func examine(_ hook: RefreshHook, as user: FileUser) throws(Failure) -> Finding {
        switch hook {
        case .command(let command, _): return try examine(command, user)
        case .unit(let unit, let action):
            let program = try systemctl()
            do throws(PathError) {
                try checkRunning(try trustedFile(program, owners: [user.id]), as: user)
            } catch {
                throw failure(program, "is not run: \(error)", hint: error.hint)
            }
            if let objection = UnitFiles.objection(to: unit) {
                return Finding(text: objection.text, hint: objection.hint)
            }
            let what = "\(action.rawValue) \(unit) can be asked for"
            if user.isRoot || isUsersManager { return Finding(text: what) }
            let who = userDescription(user.id)
            return Finding(text: "\(what); polkit decides whether \(who) may")
        case .signal(let name, let pidFile):
            guard Signal.number(named: name) != nil else {
                throw failure(pidFile, "no signal \"\(name)\" that a hook could send")
            }
            do throws(PathError) {
                _ = try openTrusted(pidFile, owners: [user.id])
                return examine(pidFile: pidFile, user)
            } catch {
                // The program that writes it may yet start.
                if error.reason == .notFound {
                    return Finding(
                        text: "\(pidFile.printable) is not there: no process is signalled",
                        hint: "start the program that writes it, or correct pidFile"
                    )
                }
                throw failure(pidFile, "is not used: \(error)", hint: error.hint)
            }
        }
    }

    private func examine(_ command: [String], _ user: FileUser) throws(Failure) -> Finding {
        let name = command.first ?? ""
        do throws(PathError) {
            let program = try trustedFile(name, owners: [user.id])
            try checkRunning(program, as: user)
            if let objection = startObjection(program) {
                return Finding(
                    text: "\(program.printable) may be run, and cannot be started",
                    hint: objection.printable
                )
            }
            return Finding(text: "\(program.printable) can be run")
        } catch {
            throw failure(name, "is not run: \(error)", hint: advice(name, error))
        }
    }

    /// What to do about a program that is not found, or not one to be run.
    func advice(_ name: String, _ error: PathError) -> String? {
        if let stranger = error.stranger, stranger != userName(effectiveUserID()) {
            let new = "/usr/local/sbin/\(splitPath(name).name)"
            return
                "\(stranger) could change what the agent runs: install -o root -g root -m 755 \(name) \(new), and"
                + " name \(new) in command"
        }
        if let hint = error.hint { return hint }
        if error.reason == .notFound, let blank = name.firstIndex(where: { " \t".contains($0) }) {
            let words = name.split { " \t".contains($0) }.map { "\"\($0)\"" }
            let isThere = isRegularFile(at: String(name[..<blank]))
            return "there is no shell that splits a line: write each word by itself,"
                + " [\(words.joined(separator: ", "))]\(isThere ? "" : ", with a program that is there")"
        }
        if error.reason == .noAccess { return startAdvice(name, .noAccess) ?? "chmod a+x \(name)" }
        return error.reason.flatMap { pathAdvice(name, $0) }
    }

    /// Whether a pid file holds a number; also where it cannot be read here.
    private func examine(pidFile: String, _ user: FileUser) -> Finding {
        guard let text = readText(ifAt: pidFile, limit: 64)?.trimmed else {
            return Finding(text: "\(pidFile.printable) names the process to signal")
        }
        guard let id = Int32(text), id > 0 else {
            return Finding(
                text: "\(pidFile.printable) holds no process id: no process is signalled",
                hint: "is pidFile the file to which the program writes its process id?"
            )
        }
        guard isProcess(id) else {
            return Finding(
                text:
                    "\(pidFile.printable) names process \(id), which does not run: no process is signalled",
                hint:
                    "start the program that writes it, or correct pidFile if that is another file's"
            )
        }
        let owner = FileFacts(ifAt: "/proc/\(id)")?.owner
        if let owner, !user.isRoot, owner != user.id {
            return Finding(
                text:
                    "\(pidFile.printable) names process \(id), which is \(userName(owner))'s: \(userName(user.id)), the"
                    + " agent's user, may not signal it",
                hint:
                    "use {\"unit\": \"NAME.service\", \"action\": \"reload\"}, for which polkit lets"
                    + " \(userName(user.id)) ask systemd; or run that program as \(userName(user.id))"
            )
        }
        return Finding(text: "\(pidFile.printable) names the process to signal, \(id)")
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
