import Agent
import Federation
import Kernel
import Outputs
import Text

/// The steps that need no network, of an account that was read.
struct LocalSteps {
    let account: Account
    let found: AgentPlace.Finding
    let units: InstalledUnits

    private var outputs: [Output] { account.outputs(in: found.directory) }

    /// Whether the agent runs and delivers, before the steps of an exchange are tried.
    func steps() -> [StepReport] {
        var steps = [runtimeStep()] + stateSteps
        steps += outputs.filter { $0.secret == nil }.map(outputStep)
        steps += unitSteps
        steps += account.hooks.map(hookStep) + hookFailures
        return steps + [found.step]
    }

    /// Of the packaged units, where the file is one that they serve and none of them has it in force.
    private var unitSteps: [StepReport] {
        let isTheUnits = AccountChoice.isStandard(account.path)
        guard isTheUnits, found.status?.phase != .valid else { return [] }
        let sources = UnitSourceSteps(of: account, processEnvironment(), units)
        return homeSteps + sources.steps() + UnitSteps(of: account, units).steps()
    }

    /// That the source reads files of this user's home, which the units' user does not have.
    private var homeSteps: [StepReport] {
        let environment = processEnvironment()
        guard let home = environment["HOME"], let user = userID(of: "wif-agent"),
            user != effectiveUserID(),
            let platform = TokenPlatform(rawValue: account.tokenSource.name)
        else { return [] }
        return platform.facts.homeFiles.compactMap { path, variable in
            let file = "\(home)/\(path)"
            guard environment[variable] == nil, FileFacts(ifAt: file) != nil else { return nil }
            let copy = "/etc/wif-agent/\(splitPath(path).name)"
            return .warning(
                .account,
                "the steps below read \(file.printable); the units' agent runs as wif-agent, who does not",
                hint: "install -o root -g wif-agent -m 640 \(file.printable) \(copy), and write"
                    + " \(variable)=\(copy) into /etc/default/wif-agent, with what else this shell sets for"
                    + " it; or give the machine an identity of its own"
            )
        }
    }

    /// What came of the hooks when the running agent ran them last.
    private var hookFailures: [StepReport] {
        guard let failure = found.status?.lastHookFailure?.failure else {
            return []
        }
        let who = userDescription(found.user.id)
        return [
            .failed(
                .hook,
                failure.class,
                "when the agent ran it last: \(failure.message)",
                hint: scriptHint ?? standingHint ?? failure.hint
                    ?? "run it by hand as \(who), the agent's user, and fix what it reports; the"
                    + " agent runs it again after the next refresh (wif-agent refresh)"
            )
        ]
    }

    /// What stands in the way of a unit's hook, as far as it shows without running it.
    private var standingHint: String? {
        account.hooks.lazy.compactMap { hook -> String? in
            if case .unit = hook { hookStep(hook).hint } else { nil }
        }.first
    }

    /// What a hook's script misses.
    private var scriptHint: String? {
        for case .command(let command, _) in account.hooks {
            guard let path = command.first else { continue }
            let names = ScriptVariables(ofScript: path).missing
            guard !names.isEmpty else { continue }
            let list = names.joined(separator: ", ").printable
            return
                "\(path.printable) uses \(list), which hooks are not given: they have PATH, HOME, LANG, WIF_AGENT_ACCOUNT"
                + " and WIF_AGENT_EXPIRES_AT alone. Set \(list) in the script itself, or in a file that it reads"
        }
        return nil
    }

    /// That the directory for kept credentials cannot be used.
    private var stateSteps: [StepReport] {
        let name = "WIF_AGENT_STATE_DIR"
        let services = AccountChoice.isStandard(account.path) ? units.variables[name] : nil
        guard let path = processEnvironment()[name] ?? services, path.hasPrefix("/") else {
            return []
        }
        let trust = DirectoryTrust(owners: [found.user.id], groups: [])
        do throws(PathError) {
            let (place, missing) = try nearestDirectory(path, trust: trust)
            try checkAdding(to: place, found.user, making: missing.isEmpty ? nil : path)
            return []
        } catch {
            let who = userName(found.user.id)
            return [
                .warning(
                    .runtimeDirectory,
                    "\(name) is \(path.printable), where no credential is kept over a restart:"
                        + " \(error.description.printable)",
                    hint: FileFacts(ifAt: path) == nil
                        ? (error.hint ?? "install -d -o \(who) -m 700 \(path)").printable
                        : "chown \(who) \(path.printable) && chmod 700 \(path.printable); under systemd StateDirectory= makes"
                            + " one for the unit's user",
                    about: path
                )
            ]
        }
    }

    /// The agent's directory where it is not there, and its service makes it at its start.
    private var madeDirectory: String? {
        guard found.status == nil, !found.isListening, AccountChoice.isStandard(account.path),
            FileFacts(ifAt: found.directory) == nil, units.makes(found.directory)
        else { return nil }
        return found.directory
    }

    private func runtimeStep() -> StepReport {
        if let made = madeDirectory {
            let who = userDescription(found.user.id)
            return .ok(
                .runtimeDirectory,
                "\(made), which \(InstalledUnits.agentName) makes for an agent of \(who)"
            )
        }
        let trust = DirectoryTrust(owners: [found.user.id], groups: [])
        do throws(PathError) {
            let (place, missing) = try nearestDirectory(found.directory, trust: trust)
            try checkAdding(to: place, found.user)
            let who = userDescription(found.user.id)
            let text = "\(found.directory), for an agent of \(who)"
            let state = missing.isEmpty ? "" : ", would be made in \(place.path)"
            return .ok(.runtimeDirectory, text + state + keeping(in: place.path))
        } catch {
            return .failed(
                .runtimeDirectory,
                .misconfigured,
                error.description.printable,
                hint: (closedHint ?? error.hint ?? Self.runtimeHint).printable
            )
        }
    }

    /// Whose directory keeps the agent's user out.
    private var closedHint: String? {
        guard
            let (closed, facts) = found.user.closedDirectory(
                above: found.directory + "/control.sock"
            )
        else { return nil }
        let (who, whose) = (userName(found.user.id), userName(facts.owner))
        if closed.hasPrefix("/run/user/") {
            return
                "\(closed) is \(whose)'s, which XDG_RUNTIME_DIR names after su: unset XDG_RUNTIME_DIR, or log in as"
                + " \(who) (machinectl shell \(who)@), or choose --runtime-dir"
        }
        // A directory above it may be anybody's, and is not to be given away.
        guard closed == found.directory else { return nil }
        return
            "\(closed) is \(whose)'s, left by an agent that \(whose) has run: chown -R \(who): \(closed), or remove it"
            + " and let RuntimeDirectory= of the unit make it; or choose --runtime-dir"
    }

    private func keeping(in place: String) -> String {
        do throws(Errno) {
            return try isMemoryFileSystem(place)
                ? "" : "; it is on a disk, where no credential is kept over a restart"
        } catch {
            return ""
        }
    }

    private static let runtimeHint =
        "under systemd RuntimeDirectory= makes it for the unit's user; else choose --runtime-dir"

    private func outputStep(_ output: Output) -> StepReport {
        do throws(OutputError) {
            try output.check(against: ProtectedPlaces(of: account))
            let state = try output.examine(
                as: found.user,
                isServed: isAgents(output),
                made: madeDirectory
            )
            if let objection = output.readerObjection {
                return .warning(.output, objection.text, hint: objection.hint, about: output.path)
            }
            return .ok(.output, "\(output.word), \(state)", about: output.path)
        } catch {
            return unseen(output, error) ?? .failed(.output, error.failure, about: output.path)
        }
    }

    /// For a place that this user may not look at, where another one's agent delivers: nothing is told of that.
    private func unseen(_ output: Output, _ error: OutputError) -> StepReport? {
        let own = FileUser.current()
        guard error.reason == .noAccess || error.reason == .notPermitted, !own.isRoot,
            !found.user.isCurrent
        else { return nil }
        let who = userName(own.id).printable
        return .unseen(
            .output,
            "\(who), this user, may not look at it (\(error.problem.printable)); the agent is"
                + " \(userName(found.user.id).printable)'s, and sudo wif-agent doctor looks at all",
            about: output.path
        )
    }

    /// Whether a socket there is the agent's own: of one that serves the account, or that does not say.
    private func isAgents(_ output: Output) -> Bool {
        found.status != nil
            || (found.isListening && output.path.hasPrefix(found.directory + "/"))
    }

    private func hookStep(_ hook: RefreshHook) -> StepReport {
        do throws(Failure) {
            let runner = HookRunner(account: account.name, environment: [:])
            let found = try runner.examine(hook, as: found.user)
            return found.hint.map { .warning(.hook, found.text, hint: $0) }
                ?? .ok(.hook, found.text)
        } catch {
            return .failed(.hook, error)
        }
    }
}
