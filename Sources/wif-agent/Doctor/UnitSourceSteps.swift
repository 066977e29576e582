import Federation
import Kernel
import Text

/// What the services lack for an account's token source, though it works for this user: files, programs,
/// sockets, variables.
struct UnitSourceSteps {
    private let account: Account
    private let environment: [String: String]
    private let units: InstalledUnits

    /// - Parameter environment: this shell's.
    init(of account: Account, _ environment: [String: String], _ units: InstalledUnits) {
        (self.account, self.environment, self.units) = (account, environment, units)
    }

    func steps() -> [StepReport] {
        guard let agent = units.agent else { return isPod ? [] : readSteps }
        return placeSteps(agent) + variableSteps + lackingSteps + strangeSteps(agent)
            + allowanceSteps + readSteps
    }

    /// Whether this is a pod, where no units are.
    private var isPod: Bool {
        SourcePlace(
            environment: environment,
            advice: nil,
            text: { _ in nil },
            isThere: { FileFacts(ifAt: $0) != nil }
        ).isPod
    }

    // MARK: Where the agent looks

    /// That the agent's service reads other files than the one at hand.
    private func placeSteps(_ agent: UnitSettings) -> [StepReport] {
        let commands = agent.all("ExecStart")
        if commands.count > 1, let last = commands.last {
            return [
                failed(
                    .agent,
                    "\(InstalledUnits.agentName) has \(commands.count) lines ExecStart=, and systemd starts no such"
                        + " service: \(last.path.printable) adds one",
                    hint:
                        "write an empty ExecStart= in the line before it in \(last.path.printable), which takes the"
                        + " first one back, then systemctl daemon-reload && systemctl restart wif-agent"
                )
            ]
        }
        guard let command = commands.first else { return [] }
        let words = command.text.split(separator: " ").map(String.init)
        let option = words.firstIndex { $0 == "--config-dir" || $0.hasPrefix("--config-dir=") }
        let given = option.map { index -> String in
            let word = words[index]
            if let mark = word.firstIndex(of: "=") {
                return String(word[word.index(after: mark)...])
            }
            return index + 1 < words.count ? words[index + 1] : ""
        }
        guard let folder = given ?? units.variables["WIF_AGENT_CONFIG_DIR"],
            folder != splitPath(account.path).directory
        else { return [] }
        return [
            failed(
                .agent,
                "\(InstalledUnits.agentName) reads the accounts of \(folder.printable), and not this one"
                    + " (\(command.path.printable))",
                hint:
                    "put the file into \(folder.printable), or take --config-dir out of that line, then systemctl"
                    + " daemon-reload && systemctl restart wif-agent"
            )
        ]
    }

    // MARK: Variables

    /// Variables of this shell on which the steps below depend, and which the service does not have.
    private var variableSteps: [StepReport] {
        var names = [
            "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
        ]
        if let name = account.tokenSource.namedVariable { names.append(name) }
        if let own = account.service.kind.facts.proxyVariable { names.append(own) }
        if let platform = TokenPlatform(rawValue: account.tokenSource.name) {
            names += platform.facts.variables.filter { !$0.hasSuffix("*") }
        }
        if let path = units.closedVariables {
            let loss = "the variables of \(InstalledUnits.agentName) are not known here"
            return [.unreadable(.environment, path, loss)]
        }
        let missing = names.filter { name in
            guard let value = environment[name], !value.isEmpty else { return false }
            return units.variables[name] == nil && units.variables[name.lowercased()] == nil
        }
        guard let first = missing.first else { return [] }
        let list = missing.joined(separator: ", ").printable
        let file = InstalledUnits.variablesPath
        // A token or a key belongs into no such file.
        let isGiven = account.tokenSource.namedVariable == first
        return [
            .warning(
                .environment,
                "the steps below use \(list) of this shell, which \(InstalledUnits.agentName) does not have",
                hint: isGiven
                    ? "an agent that systemd starts does not have the token in \(first.printable), which is a"
                        + " job's or a shell's: run wif-agent there (wif-agent exec or get), or name a source that"
                        + " gives a token each time, such as a file"
                    : "write \(first.printable)=... into \(file), which the service reads, then systemctl restart"
                        + " wif-agent; or unset it here, to see what the service sees",
                about: first
            )
        ]
    }

    /// Variables of the way to the service that the service has, and this shell does not.
    private var lackingSteps: [StepReport] {
        let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE"]
        let hasProxy = names.prefix(4).contains { environment[$0]?.isEmpty == false }
        let lacking = names.first { name in
            units.variables[name]?.isEmpty == false && environment[name] == nil
                && !(hasProxy && name.lowercased().hasSuffix("_proxy"))
        }
        guard let name = lacking, account.proxy == nil, let value = units.variables[name] else {
            return []
        }
        // A proxy's URL may have a password.
        let shown = value.contains("@") ? "..." : value.printable
        var step = StepReport.warning(
            .worker,
            "\(InstalledUnits.agentName) has \(name), and this shell does not: the steps below are taken without it",
            hint:
                "take them as the service does: \(name)=\(shown) wif-agent doctor -c \(account.path.printable)",
            about: name
        )
        step.explainsFailures = true
        return [step]
    }

    /// Files of variables that look as if they were the service's, and are not read.
    private static let strangeFiles = [
        "/etc/sysconfig/wif-agent", "/etc/default/wif-exchange", "/etc/wif-agent/environment",
        "/etc/wif-agent/env", "/etc/environment",
    ]

    /// Variables that stand where the service does not look.
    private func strangeSteps(_ agent: UnitSettings) -> [StepReport] {
        let named = agent.words("EnvironmentFile").map { String($0.drop { $0 == "-" }) }
        for path in Self.strangeFiles where !named.contains(path) {
            let names = UnitSettings.assignments(readText(ifAt: path) ?? "").map(\.0)
                .filter { Job.isAllowed(variable: $0) && units.variables[$0] == nil }
                .filter { !["PATH", "HOME", "LANG"].contains($0) }
            guard let first = names.first else { continue }
            var step = StepReport.warning(
                .environment,
                "\(names.joined(separator: ", ").printable) stands in \(path), which \(InstalledUnits.agentName) does not"
                    + " read",
                hint:
                    "write \(first.printable)=... into \(named.first ?? InstalledUnits.variablesPath), which it reads,"
                    + " then systemctl restart wif-agent",
                about: first
            )
            step.explainsFailures = true
            return [step]
        }
        return []
    }

    // MARK: What the worker may do

    private var allowanceSteps: [StepReport] {
        let kind = Job.Kind.exchange
        let allowance = kind.allowance(for: account, in: units.variables)
        guard units.isBehindSocket, let worker = units.worker else {
            return ownWorkerSteps(allowance)
        }
        if allowance.contains(.programs) {
            return [
                failed(
                    .source,
                    "the token source \(account.tokenSource.name) runs a program, and \(InstalledUnits.workerName),"
                        + " to which \(InstalledUnits.agentName) gives its jobs, runs none",
                    hint:
                        "have the agent start its own workers: systemctl edit wif-agent, [Service]"
                        + " Environment=WIF_AGENT_WORKER_SOCKET=none, PrivateNetwork=no, IPAddressDeny= and"
                        + " RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 (wif-agent-systemd(7) has it whole),"
                        + " then systemctl restart wif-agent"
                )
            ]
        }
        let families = worker.words("RestrictAddressFamilies")
        let isOpen =
            worker.words("ExecStart").contains("--unix-sockets")
            && (families.isEmpty || families.contains("AF_UNIX"))
        guard allowance.contains(.unixSockets), !isOpen else { return [] }
        return [
            failed(
                .source,
                "the token source \(account.tokenSource.name) is asked at a Unix socket, and"
                    + " \(InstalledUnits.workerName) may not connect to one",
                hint: "systemctl edit wif-exchange@, [Service] ExecStart= (empty, first),"
                    + " ExecStart=/usr/libexec/wif-agent/wif-exchange --files --unix-sockets --allow-user wif-agent"
                    + " and RestrictAddressFamilies=AF_UNIX; the user wif-exchange must be allowed at the socket"
            )
        ]
    }

    /// Of a worker that the agent starts itself for what the one behind the socket does not do.
    private func ownWorkerSteps(_ allowance: Sandbox.Allowance) -> [StepReport] {
        guard units.worker != nil, !allowance.isDisjoint(with: [.programs, .unixSockets]),
            let path = units.agent?.isOn("PrivateNetwork")
        else { return [] }
        let what = allowance.contains(.programs) ? "runs a program" : "is asked at a Unix socket"
        return [
            failed(
                .source,
                "the token source \(account.tokenSource.name) \(what), for which \(InstalledUnits.agentName) starts a"
                    + " worker itself, and that has no network: PrivateNetwork=yes in \(path.printable)",
                hint:
                    "systemctl edit wif-agent, [Service] Environment=WIF_AGENT_WORKER_SOCKET=none, PrivateNetwork=no,"
                    + " IPAddressDeny= and RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 (own-worker.conf in"
                    + " wif-agent-systemd(7)), then systemctl restart wif-agent"
            )
        ]
    }

    // MARK: Files

    /// The files that the worker opens, and what names each.
    private var files: [(path: String, key: String)] {
        var files: [(String, String)] = []
        if case .executable = account.tokenSource {
        } else if let place = account.tokenSource.rotatingFile {
            files.append((place.path, "the token source"))
        }
        if let path = account.caFile { files.append((path, "caFile")) }
        files += Self.everybodys.filter { FileFacts(ifAt: $0.path) != nil }
        let pods = TokenPlatform.allCases.compactMap(\.facts.podFile?.variable)
        for name in ["SSL_CERT_FILE"] + pods {
            if let path = units.variables[name], path.hasPrefix("/") { files.append((path, name)) }
        }
        return files
    }

    /// What every program reads, and whose mode a tool may have changed.
    private static let everybodys: [(path: String, key: String)] = [
        ("/etc/ssl/certs/ca-certificates.crt", "every TLS connection"),
        ("/etc/pki/tls/certs/ca-bundle.crt", "every TLS connection"),
        ("/etc/resolv.conf", "every look-up of a name"),
        ("/etc/hosts", "every look-up of a name"),
    ]

    private var readSteps: [StepReport] {
        guard let reader = units.reader, !reader.rights.isRoot else { return [] }
        return files.compactMap { path, key in
            hidden(path, key) ?? closed(path, key, reader)
        }
    }

    /// That the service does not see the place at all.
    private func hidden(_ path: String, _ key: String) -> StepReport? {
        let unit = units.isBehindSocket ? units.worker : units.agent
        guard let unit else { return nil }
        if let home = unit.hidingHome(path) {
            return step(
                path,
                "\(units.readerName) does not see \(path.printable), which \(key) names: ProtectHome=\(home.value) hides"
                    + " home directories from it (\(home.path))",
                hint:
                    "have the file written to a folder of its own below /run or /var/lib, such as /run/wif-tokens, and"
                    + " name that; or set ProtectHome=read-only in a drop-in: systemctl edit \(unit.name)"
            )
        }
        guard let tmp = unit.hidingTemporary(path) else { return nil }
        return step(
            path,
            "\(units.readerName) has a /tmp of its own (PrivateTmp=yes in \(tmp)), without \(path.printable), which"
                + " \(key) names",
            hint: "have the file written below /run or /var/lib, and name that"
        )
    }

    /// That the service's user may not read it.
    private func closed(_ path: String, _ key: String, _ reader: InstalledUnits.User) -> StepReport?
    {
        guard let facts = FileFacts(ifAt: path) else { return nil }
        let group = reader.group
        if let place = reader.rights.closedDirectory(above: path) {
            let shown = place.path.printable
            return step(
                path,
                "\(units.readerName) reads \(path.printable), which \(key) names, as \(reader.name), who may not enter"
                    + " \(shown) (mode \(place.facts.modeText), owner \(userDescription(place.facts.owner)))",
                hint: place.path.hasPrefix("/home/") || place.path == "/root"
                    ? "have the file written to a folder that \(reader.name) may enter, such as /run/wif-tokens, and"
                        + " name that"
                    : "chgrp \(group) \(shown) && chmod g+x \(shown)"
            )
        }
        guard !reader.rights.may(4, facts, at: path) else { return nil }
        if let (_, user) = Self.everybodys.first(where: { $0.path == path }) {
            return step(
                path,
                "\(units.readerName) runs as \(reader.name), who may not read \(path), which \(user) needs (mode"
                    + " \(facts.modeText), owner \(userDescription(facts.owner)))",
                hint: "chmod 644 \(path)"
            )
        }
        return step(
            path,
            "\(units.readerName) reads \(path.printable), which \(key) names, as \(reader.name), who may not (mode"
                + " \(facts.modeText), owner \(userDescription(facts.owner)), group"
                + " \(groupDescription(facts.group)))",
            hint:
                "chgrp \(group) \(path.printable) && chmod g+r \(path.printable), and have whatever writes the file"
                + " make it so each time"
        )
    }

    // MARK: Steps

    /// A fact where the service is installed; else what would be so with the packaged one.
    private func step(_ path: String, _ text: String, hint: String) -> StepReport {
        units.agent == nil
            ? .warning(.source, text, hint: hint, about: path)
            : .failed(.source, .misconfigured, text, hint: hint, about: path)
    }

    private func failed(_ name: StepReport.Name, _ text: String, hint: String) -> StepReport {
        .failed(name, .misconfigured, text, hint: hint)
    }
}
