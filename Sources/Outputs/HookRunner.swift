package import Federation
package import Kernel
import Text

/// Runs what an account wants done after every output holds a new credential, one at a time.
package struct HookRunner: Sendable {
    private let account: String
    private let environment: [String: String]
    private let timekeeper: any Timekeeper

    /// - Parameters:
    ///   - account: the account's name.
    ///   - environment: the agent's, of which commands get what `programEnvironment(from:)` says.
    ///   - timekeeper: the clock that time limits are kept on.
    package init(
        account: String,
        environment: [String: String],
        timekeeper: any Timekeeper = SystemTimekeeper()
    ) {
        self.account = account
        self.environment = environment
        self.timekeeper = timekeeper
    }

    /// Runs the hooks in order; one that fails does not stop the others.
    ///
    /// - Returns: the failures, none of which undoes the delivery.
    /// - Throws: `CancellationError`; a running command's process group is killed then.
    package func run(_ hooks: [RefreshHook], expiresAt: WallTime) async throws -> [Failure] {
        var failures: [Failure] = []
        for hook in hooks {
            do {
                try await run(hook, expiresAt)
            } catch let failure as Failure {
                failures.append(failure)
            }
        }
        return failures
    }

    private func run(_ hook: RefreshHook, _ expiresAt: WallTime) async throws {
        switch hook {
        case .command(let command, let timeout): try await run(command, timeout, expiresAt)
        case .signal(let name, let pidFile): try signal(name, pidFile)
        case .unit(let unit, let action): try await run(unit, action, expiresAt)
        }
    }

    private func run(_ command: [String], _ timeout: Double, _ expiresAt: WallTime) async throws {
        let child = try start(command, expiresAt)
        let name = command.first ?? ""
        let deadline = timekeeper.now.advanced(bySeconds: timeout)
        do {
            if try await !ends(child, by: deadline) {
                try await stop(child)
                throw failure(
                    name,
                    "did not end within \(Int(timeout)) s and was stopped",
                    hint:
                        "raise the hook's timeout, or let the program begin its work and end: it is stopped"
                        + " with all its children"
                )
            }
        } catch let error as CancellationError {
            child.signal(Signal.kill)
            throw error
        }
        let status = try await child.wait()
        if status != .exited(0) {
            throw failure(
                name,
                "ended with \(status)",
                hint: status == .exited(77) ? Self.descendantHint : Self.byHandHint
            )
        }
    }

    /// The job is queued and not waited for: the unit may be ordered after this one, which is not ready
    /// before its credentials are delivered. `systemctl(1)`
    private func run(
        _ unit: String,
        _ action: RefreshHook.UnitAction,
        _ expiresAt: WallTime
    ) async throws {
        let program = try systemctl()
        let scope = isUsersManager ? ["--user"] : []
        let command =
            [program] + scope + ["--no-block", "--no-ask-password", action.rawValue, "--", unit]
        do {
            try await run(command, 30, expiresAt)
        } catch let error as Failure {
            throw failure(
                "\(action.rawValue) \(unit)",
                error.message,
                hint: isUsersManager || effectiveUserID() == 0
                    ? "systemctl status \(unit) shows the unit"
                    : "polkit must let \(userDescription(effectiveUserID())) manage the unit:"
                        + " wif-agent.json(5) has the rule"
            )
        }
    }

    private static var byHandHint: String {
        "run it by hand as \(userDescription(effectiveUserID())), with PATH, HOME and LANG alone, and fix what it"
            + " reports; wif-agent refresh runs it again"
    }

    /// Of a program that ends as wif-agent does where it is refused.
    private static var descendantHint: String {
        "if it calls wif-agent: what descends from the agent is given no credential (77), so have an output write"
            + " the file, and let the hook do the rest; else \(byHandHint)"
    }

    /// Where systemctl is, by the PATH that programs are given.
    func systemctl() throws(Failure) -> String {
        let path = programEnvironment(from: environment)["PATH"] ?? usualProgramPath
        for directory in path.split(separator: ":") {
            let place = "\(directory)/systemctl"
            do throws(Errno) {
                _ = try FileFacts(at: place)
                return place
            } catch {
                continue
            }
        }
        throw failure(
            "systemctl",
            "is not in \(path): units are systemd's",
            hint: "without systemd, write a command or a signal in place of the unit"
        )
    }

    /// Whether units are those of the user's own service manager.
    var isUsersManager: Bool {
        effectiveUserID() != 0 && environment["XDG_RUNTIME_DIR"] != nil
    }

    private func start(_ command: [String], _ expiresAt: WallTime) throws(Failure) -> ChildProcess {
        let name = command.first ?? ""
        let program: String
        do throws(PathError) {
            program = try trustedFile(name, owners: [effectiveUserID()])
        } catch {
            throw failure(name, "is not run: \(error)", hint: advice(name, error))
        }
        var own = ["WIF_AGENT_ACCOUNT": account, "WIF_AGENT_EXPIRES_AT": rfc3339(expiresAt)]
        // By it a program finds the user's service manager.
        if isUsersManager { own["XDG_RUNTIME_DIR"] = environment["XDG_RUNTIME_DIR"] }
        var request = ChildProcess.Request(
            path: program,
            arguments: command,
            environment: programEnvironment(from: environment).merging(own) { $1 },
            descriptors: [-1, -1, -1]
        )
        request.leadsGroup = true
        do throws(Errno) {
            return try ChildProcess(request)
        } catch {
            throw failure(name, "cannot be started: \(error)", hint: startAdvice(program, error))
        }
    }

    /// Whether the child ends before the deadline; it is not reaped yet.
    private func ends(_ child: ChildProcess, by deadline: BootInstant) async throws -> Bool {
        try await throwingBefore(deadline, on: timekeeper) { try await child.ended() } != nil
    }

    /// Asks the process group to end, and after 5 s ends it, descendants included.
    private func stop(_ child: ChildProcess) async throws {
        child.signal(Signal.terminate)
        _ = try await ends(child, by: timekeeper.now.advanced(bySeconds: 5))
        child.signal(Signal.kill)
        _ = try await child.wait()
    }

    private func signal(_ name: String, _ pidFile: String) throws(Failure) {
        guard let number = Signal.number(named: name) else {
            throw failure(pidFile, "no signal \"\(name)\" that a hook could send")
        }
        let (pid, owner) = try processID(in: pidFile)
        let process = try process(pid, pidFile)
        guard process.uid == owner || process.uid == effectiveUserID() else {
            throw failure(
                pidFile,
                "process \(pid) is \(userDescription(process.uid))'s, not the file owner's"
            )
        }
        do throws(Errno) {
            try process.signal(number)
        } catch {
            throw failure(pidFile, "process \(pid) cannot be signalled: \(error)")
        }
    }

    private func process(_ pid: Int32, _ pidFile: String) throws(Failure) -> ForeignProcess {
        do throws(Errno) {
            return try ForeignProcess(pid)
        } catch {
            throw failure(pidFile, "process \(pid) cannot be signalled: \(error)")
        }
    }

    private func processID(in path: String) throws(Failure) -> (pid: Int32, owner: UInt32) {
        let text: String
        let owner: UInt32
        do throws(PathError) {
            let file = try openTrusted(path, owners: [effectiveUserID()])
            (text, owner) = try contents(of: file, path)
        } catch {
            throw failure(path, "is not used: \(error)", hint: error.hint)
        }
        guard let pid = Int32(text.trimmed), pid > 0 else {
            throw failure(path, "holds no process id")
        }
        return (pid, owner)
    }

    private func contents(
        of file: borrowing FileDescriptor,
        _ path: String
    ) throws(PathError) -> (String, UInt32) {
        do throws(Errno) {
            let text = String(decoding: try file.read(upTo: 32), as: UTF8.self)
            return (text, try FileFacts(of: file.raw).owner)
        } catch {
            throw PathError(path, "cannot be read", error)
        }
    }

    func failure(_ name: String, _ problem: String, hint: String? = nil) -> Failure {
        Failure(
            .misconfigured,
            at: .output,
            "hook \(name.printable): \(problem.printable)",
            hint: hint?.printable
        )
    }
}
