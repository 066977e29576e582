import Agent
import Federation
import Kernel
import Outputs
import Text

/// Where an account's agent is, or would be, and what it says.
struct AgentPlace {
    private let invocation: Invocation
    private let units: InstalledUnits

    init(_ invocation: Invocation, _ units: InstalledUnits) {
        (self.invocation, self.units) = (invocation, units)
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
        var unlike: Finding?
        // Another user's, which may be the one that delivers.
        var foreign: Finding?
        var agents = AgentClient.all(
            runtimeDirectory: given,
            environment: invocation.environment
        )
        let strays = StrayAgent.all(besides: agents.map(\.directory))
        agents += strays.prefix(Self.strayLimit).map { .named($0.directory) }
        for agent in agents {
            guard agent.hasSocket else { continue }
            var finding = await ask(agent, account)
            if finding.status != nil {
                let stray = strays.first { $0.directory == agent.directory }
                if let given, let stray, finding.step.state == .ok {
                    finding.step = misled(given, stray)
                }
                return finding
            }
            // What another directory's agent does is of no concern to this one's.
            if agent.directory == standard { other = finding }
            if finding.isListening, finding.step.state == .warning { foreign = foreign ?? finding }
            if finding.isListening, strays.contains(where: { $0.directory == agent.directory }) {
                unlike = unlike ?? finding
            }
        }
        if given == nil, let unlike, other?.isListening != true, absent(account).state == .warning {
            return nobody(account, standard, elsewhere(account, standard, unlike))
        }
        if let other, other.isListening { return other }
        // Where a directory is named, an agent elsewhere is of no concern.
        if given == nil, let foreign { return foreign }
        if let other { return other }
        return nobody(account, standard, absent(account))
    }

    /// For an account that no agent serves: where one would.
    private func nobody(_ account: Account, _ directory: String, _ step: StepReport) -> Finding {
        Finding(
            directory: directory,
            user: servicesUser(account, directory) ?? user(of: directory),
            status: nil,
            step: step
        )
    }

    /// Under which the service would run the agent, as root asks of a file that the service reads.
    private func servicesUser(_ account: Account, _ directory: String) -> FileUser? {
        guard effectiveUserID() == 0, AccountChoice.isStandard(account.path), units.agent != nil,
            units.makes(directory)
        else { return nil }
        return units.user?.rights
    }

    /// For an agent that serves the file, and not where commands are told to look.
    private func misled(_ given: String, _ stray: StrayAgent) -> StepReport {
        let variable = "WIF_AGENT_RUNTIME_DIR"
        let isVariable =
            invocation.environment[variable].map { AccountChoice.absolute($0) } == given
        let place = stray.directory.printable
        return .warning(
            .agent,
            "no agent answers in \(given.printable), which \(isVariable ? variable : "--runtime-dir") names; the one that"
                + " serves this file runs in \(place) (process \(stray.processID))",
            hint: isVariable
                ? "unset \(variable), or set it to \(place): commands such as status look where it says"
                : "write --runtime-dir \(place), or leave it out",
            about: isVariable ? variable : nil
        )
    }

    /// Agents in places of their own that are asked.
    private static let strayLimit = 8

    /// For an agent that runs in another directory, and does not serve the file or does not say.
    private func elsewhere(_ account: Account, _ standard: String, _ found: Finding) -> StepReport {
        let place = found.directory.printable
        return .warning(
            .agent,
            "no agent answers in \(standard.printable); one runs in \(place), and "
                + (found.step.state == .warning || found.step.hint == Self.strangerHint
                    ? "does not tell this user what it serves" : "does not serve this file"),
            hint: absent(account).hint.map {
                "\($0); if the one in \(place) is to serve it, start that with this file, too, or put the file where"
                    + " it looks"
            }
        )
    }

    /// An agent is missed where the file is one that the units serve, or names outputs.
    private func absent(_ account: Account) -> StepReport {
        let isTheUnits = AccountChoice.isStandard(account.path)
        guard isTheUnits || !account.configuredOutputs.isEmpty || !account.hooks.isEmpty else {
            return .skipped(.agent, "no agent runs; start it with wif-agent run")
        }
        return .warning(
            .agent,
            "no agent runs, so that nothing keeps the credential fresh",
            hint: isTheUnits
                ? (UnitSettings.isMasked(InstalledUnits.agentName)
                    ? "the service is masked: systemctl unmask wif-agent, then " : "")
                    + "systemctl enable --now wif-agent"
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
            return unanswered(error, finding, account)
        }
        let served = report.accounts.first { serves($0.file, account.path) }
        finding.status = served
        finding.step =
            served.map { running($0, report, agent) } ?? serving(others: report, agent, account)
        guard served != nil else { return finding }
        if let step = missingSource(account, report, agent) {
            finding.step = step
            return finding
        }
        finding.credential = { await self.credential(of: account, agent).credential }
        if await credential(of: account, agent).isEdited {
            finding.step = edited(agent)
        }
        return finding
    }

    /// Of an agent that has not read the file as it is now.
    private func edited(_ agent: AgentClient) -> StepReport {
        .failed(
            .agent,
            .misconfigured,
            "the file has been changed since the agent at \(agent.directory) read it, and"
                + " the agent still uses its earlier content",
            hint:
                "have it read again: systemctl reload wif-agent, or SIGHUP; wif-agent status"
                + " shows the result\(Self.watchNote)"
        )
    }

    /// What is known of an agent that gave no answer.
    private func unanswered(
        _ error: AgentClient.Unreachable,
        _ finding: Finding,
        _ account: Account
    ) -> Finding {
        var finding = finding
        let directory = finding.directory.printable
        // Nobody listens any more: the next agent replaces the socket.
        if error.kind == .absent {
            finding.step = ended(account, directory)
            return finding
        }
        finding.isListening = true
        if error.kind == .forbidden, let owner = FileFacts(ifAt: finding.directory)?.owner {
            finding.user = .known(owner)
            let who = userName(owner).printable
            finding.step = .warning(
                .agent,
                "the agent in \(directory) is \(who)'s, and does not tell this user what it serves"
                    + " (\(error.reason))",
                hint: readerHint(who, account)
            )
            return finding
        }
        finding.step = .failed(
            .agent,
            error.kind == .foreign ? .misconfigured : error.failure.class,
            error.reason,
            hint: error.kind == .hung ? error.hint : Self.strangerHint
        )
        return finding
    }

    /// How this user gets the credential of another one's agent, and sees what that does.
    private func readerHint(_ who: String, _ account: Account) -> String {
        let own = userName(effectiveUserID()).printable
        let output =
            who == "root"
            ? "a file with \"owner\": \"\(own)\", or a socket with \"allowUsers\": [\"\(own)\"]"
            : "a socket with \"allowUsers\": [\"\(own)\"]"
        return
            "programs of \(own) get the credential from an output of their own: \(output) in outputs of"
            + " \(account.path.printable). To see the agent's part run doctor as root"
            + (who == "root" ? "" : " or as \(who)")
            + ": sudo wif-agent doctor; get --fresh does without the agent, and --runtime-dir names an agent of your own"
    }

    /// For a directory in which an agent left its socket.
    private func ended(_ account: Account, _ directory: String) -> StepReport {
        var step = absent(account)
        if step.state == .warning {
            step.text =
                "the agent that ran in \(directory) has ended, so that nothing keeps the credential fresh"
            step.hint = step.hint.map {
                "\($0); its log tells why it ended (journalctl -u wif-agent)"
            }
        }
        return step
    }

    /// Why an edit goes unseen: of all the processes of this user none can watch files any more.
    private static var watchNote: String {
        guard hasNoWatchLeft else { return "" }
        return
            ". Edits are not seen by themselves, because this user's programs hold as many inotify instances as"
            + " fs.inotify.max_user_instances allows: raise it (sysctl -w fs.inotify.max_user_instances=1024, and a"
            + " file in /etc/sysctl.d), then restart the agent"
    }

    /// That the agent does not serve the account whose credential this one exchanges.
    private func missingSource(
        _ account: Account,
        _ report: AgentStatus,
        _ agent: AgentClient
    ) -> StepReport? {
        guard let hint = unservedHint(account, report) else { return nil }
        return .failed(
            .agent,
            .misconfigured,
            "the agent at \(agent.directory) does not serve the account whose credential this one exchanges",
            hint: hint
        )
    }

    /// How the agent comes to serve the account whose credential this one exchanges; `nil` where it does.
    private func unservedHint(_ account: Account, _ report: AgentStatus) -> String? {
        let folder = splitPath(account.path).directory
        for case .account(let name) in account.sources.values
        where !report.accounts.contains(where: { $0.name == name }) {
            let file = "\(folder)/\(name).json"
            guard FileFacts(ifAt: file) != nil else { return nil }
            return
                "the agent was not given the account \(name.printable), which this one needs: start it with -c"
                + " \(file.printable) too, or with --config-dir \(folder.printable) for all of the folder"
        }
        return nil
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
                hint: unservedHint(account, report) ?? rejected.hint
            )
        }
        let names = report.accounts.map(\.file)
        return .failed(
            .agent,
            .misconfigured,
            "the agent at \(agent.directory) serves \(names.joined(separator: ", ").printable), not"
                + " this file, and holds the control socket",
            hint: AgentCommand(of: report).advice(to: account.path, serving: names)
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
