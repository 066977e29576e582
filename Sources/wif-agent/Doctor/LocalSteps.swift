import Agent
import Federation
import Kernel
import Outputs
import Text

/// Where an account's agent is, or would be, and what it says.
struct AgentPlace {
    private let invocation: Invocation

    init(_ invocation: Invocation) {
        self.invocation = invocation
    }

    /// What was found of the agents on this machine.
    struct Finding {
        /// Of the agent that serves the account, else the one that would.
        var directory: String
        /// Under which the agent runs, or would.
        var user: FileUser
        /// The account's part of the status; `nil` where no agent serves it.
        var status: AccountStatus?
        var step: StepReport
        /// Whether something listens on its control socket, which may be silent.
        var isListening = false
        /// Asks that agent for the account's present credential; `nil` where it has or tells none.
        var credential: @Sendable () async -> Credential? = { nil }
    }

    /// Asks the agents that can be found whether they serve the account's file.
    func find(_ account: Account) async -> Finding {
        let given = invocation.value("runtime-dir").map(AccountChoice.absolute)
        let standard = given ?? RuntimeDirectory.standard(invocation.environment)
        var other: Finding?
        var agents = AgentClient.all(
            runtimeDirectory: given,
            environment: invocation.environment
        )
        if given == nil, let stray = StrayAgent.find(besides: agents.map(\.directory)) {
            agents.append(.named(stray.directory))
        }
        for agent in agents {
            guard agent.hasSocket else { continue }
            let finding = await ask(agent, account)
            if finding.status != nil { return finding }
            // What another directory's agent does is of no concern to this one's.
            if agent.directory == standard { other = finding }
        }
        if let other { return other }
        return Finding(
            directory: standard,
            user: user(of: standard),
            status: nil,
            step: absent(account)
        )
    }

    /// An agent is missed where the file is one that the units serve, or names outputs.
    private func absent(_ account: Account) -> StepReport {
        let isTheUnits = account.path.hasPrefix(AccountChoice.standardDirectory + "/")
        guard isTheUnits || !account.configuredOutputs.isEmpty || !account.hooks.isEmpty else {
            return .skipped(.agent, "no agent runs; start it with wif-agent run")
        }
        return .warning(
            .agent,
            "no agent runs, so that nothing keeps the credential fresh",
            hint: isTheUnits
                ? "systemctl enable --now wif-agent"
                : "start it with wif-agent run -c \(account.path.printable)"
        )
    }

    private func ask(_ agent: AgentClient, _ account: Account) async -> Finding {
        var finding = Finding(
            directory: agent.directory,
            user: user(of: agent.directory),
            status: nil,
            step: .skipped(.agent, "the one that ran in \(agent.directory) has ended")
        )
        let report: AgentStatus
        do throws(AgentClient.Unreachable) {
            // That it hangs shows within its patience.
            let limit = AgentClient.patience + 1
            let answer = try await agent.ask("GET", "/status", timeout: limit)
            finding.isListening = true
            guard let status = answer.agentStatus, answer.status == 200 else {
                let text = "\(agent.directory): \(answer.text.printable)"
                finding.step = .failed(.agent, .misconfigured, text, hint: Self.strangerHint)
                return finding
            }
            report = status
        } catch {
            // Nobody listens any more: the next agent replaces the socket.
            if error.kind == .absent { return finding }
            finding.isListening = true
            finding.step = .failed(
                .agent,
                error.kind == .foreign ? .misconfigured : error.failure.class,
                error.reason,
                hint: error.kind == .hung ? error.hint : Self.strangerHint
            )
            return finding
        }
        let served = report.accounts.first { serves($0.file, account.path) }
        finding.status = served
        finding.step =
            served.map { running($0, report, agent) } ?? serving(others: report, agent, account)
        guard served != nil else { return finding }
        finding.credential = { await self.credential(of: account, agent).credential }
        if await credential(of: account, agent).isEdited {
            finding.step = .failed(
                .agent,
                .misconfigured,
                "the file has been changed since the agent at \(agent.directory) read it, and"
                    + " the agent still uses its earlier content",
                hint:
                    "have it read again: systemctl reload wif-agent, or SIGHUP; wif-agent status"
                    + " shows the result"
            )
        }
        return finding
    }

    /// What the agent that serves the file has for the bytes that it holds now: `isEdited` where it loaded
    /// others. Only root and the agent's own user are told.
    private func credential(
        of account: Account,
        _ agent: AgentClient
    ) async -> (isEdited: Bool, credential: Credential?) {
        do {
            let file = try realPath(account.path)
            let target = "/credential?file=\(percentEncoded(file))&wait=0"
            let answer = try await agent.ask("GET", target, timeout: AgentClient.patience)
            return (
                answer.status == 404,
                answer.json?["credential"].flatMap(Credential.init(json:))
            )
        } catch {
            return (false, nil)
        }
    }

    private static let strangerHint =
        "is it another user's agent? run doctor as that user or as root, or choose another"
        + " --runtime-dir"

    private func serves(_ other: String, _ path: String) -> Bool {
        do throws(Errno) {
            return other == path ? true : try realPath(other) == realPath(path)
        } catch {
            return false
        }
    }

    private func running(
        _ served: AccountStatus,
        _ report: AgentStatus,
        _ agent: AgentClient
    ) -> StepReport {
        let pid = report.processID > 0 ? "pid \(report.processID), " : ""
        let found = "\(agent.directory) (\(pid)the account is \(served.state))"
        if let failure = served.lastFailure?.failure {
            var text = "the agent's last attempt failed: \(failure.message)"
            var hint = failure.hint
            if let difference = AgentEnvironment(report.processID, invocation).difference(failure) {
                text += "; \(difference.text)"
                hint = difference.hint
            }
            return served.phase == .valid
                ? .warning(.agent, text, hint: hint)
                : .failed(.agent, failure.class, text, hint: hint)
        }
        return .ok(.agent, found)
    }

    private func serving(
        others report: AgentStatus,
        _ agent: AgentClient,
        _ account: Account
    ) -> StepReport {
        let rejected = report.rejected.first { serves($0.file, account.path) }
        if let rejected {
            return .failed(
                .agent,
                .misconfigured,
                "the agent rejects the file: \(rejected.error)",
                hint: rejected.hint
            )
        }
        let names = report.accounts.map(\.file)
        let folder = names.first.map { splitPath($0).directory.printable } ?? "its folder"
        return .failed(
            .agent,
            .misconfigured,
            "the agent at \(agent.directory) serves \(names.joined(separator: ", ").printable), not"
                + " this file, and holds the control socket",
            hint:
                "if it was started for this file too, send it SIGHUP (systemctl reload wif-agent); else put the"
                + " file into \(folder), which it reads, or start it with -c or --config-dir for this one; a second"
                + " agent needs a --runtime-dir of its own"
        )
    }

    /// The agent's user where it can be told from its directory: as root one looks at the service's.
    private func user(of directory: String) -> FileUser {
        guard effectiveUserID() == 0, let owner = FileFacts(ifAt: directory)?.owner else {
            return .current()
        }
        let socket = FileFacts(ifAt: directory + "/control.sock")
        let isService = owner == userID(of: "wif-agent") || socket?.kind == .socket
        return isService ? .known(owner) : .current()
    }
}

/// The steps that need no network, of an account that was read.
struct LocalSteps {
    let account: Account
    let found: AgentPlace.Finding

    private var outputs: [Output] { account.outputs(in: found.directory) }

    /// Whether the agent runs and delivers, before the steps of an exchange are tried.
    func steps() -> [StepReport] {
        [runtimeStep()] + outputs.filter { $0.secret == nil }.map(outputStep) + unitSteps
            + account.hooks.map(hookStep) + hookFailures
            + [found.step]
    }

    /// Of the packaged units, where the file is one that they serve and none of them has it in force.
    private var unitSteps: [StepReport] {
        let isTheUnits = account.path.hasPrefix(AccountChoice.standardDirectory + "/")
        guard isTheUnits, found.status?.phase != .valid else { return [] }
        return homeSteps + UnitSteps(of: account).steps()
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
                hint: failure.hint
                    ?? "run it by hand as \(who), the agent's user, and fix what it reports; the"
                    + " agent runs it again after the next refresh (wif-agent refresh)"
            )
        ]
    }

    private func runtimeStep() -> StepReport {
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
            let state = try output.examine(as: found.user, isServed: isAgents(output))
            if let objection = output.readerObjection {
                return .warning(.output, objection.text, hint: objection.hint, about: output.path)
            }
            return .ok(.output, "\(output.word), \(state)", about: output.path)
        } catch {
            return .failed(.output, error.failure, about: output.path)
        }
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
