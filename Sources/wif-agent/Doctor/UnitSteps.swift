import Federation
import Kernel
import Text

/// What the packaged services would keep an account from, by their settings on this machine. A service that
/// runs already and delivers is not in question.
struct UnitSteps {
    private let account: Account
    private let units: InstalledUnits

    private static let agentName = InstalledUnits.agentName
    private static let workerName = InstalledUnits.workerName
    /// The file of variables that both units read.
    private static let variablesPath = InstalledUnits.variablesPath

    init(of account: Account, _ units: InstalledUnits) {
        (self.account, self.units) = (account, units)
    }

    /// A warning for each setting that is in the way.
    func steps() -> [StepReport] {
        StrayUnitFiles(units).steps() + variableSteps() + networkSteps()
            + (runtimeStep().map { [$0] } ?? [])
            + account.configuredOutputs.filter { $0.secret == nil }.compactMap(outputStep)
    }

    // MARK: Variables

    /// Lines of a shell, which set nothing for a unit. systemd.exec(5), EnvironmentFile=
    private func variableSteps() -> [StepReport] {
        guard let text = readText(ifAt: units.root + Self.variablesPath) else { return [] }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return lines.enumerated().compactMap { index, line in
            let place = "line \(index + 1) of \(Self.variablesPath)"
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count > 1, words[0] == "export" || words[0] == "set" else {
                return valueStep(line, place)
            }
            let name = words[1].prefix { $0 != "=" }
            return .failed(
                .worker,
                .misconfigured,
                "the units do not get \(String(name).printable): \(place) begins with \(words[0]), which systemd"
                    + " does not know",
                hint:
                    "write \(String(name).printable)=... there without \(words[0]), then systemctl restart wif-agent"
            )
        }
    }

    /// A value with what only a shell takes out of it.
    private func valueStep(_ line: Substring, _ place: String) -> StepReport? {
        guard let mark = line.firstIndex(of: "="), line.first != "#", line.first != ";" else {
            return nil
        }
        let name = String(line[..<mark]).trimmed
        let value = String(line[line.index(after: mark)...]).trimmed
        let isQuoted = value.first == "\"" || value.first == "'"
        guard !name.isEmpty, !name.contains(" ") else { return nil }
        if !isQuoted, value.firstRange(of: " #") != nil {
            return .failed(
                .worker,
                .misconfigured,
                "\(place): what stands behind # becomes a part of \(name.printable): systemd knows comments at the"
                    + " beginning of a line alone",
                hint: "move the comment to a line of its own, then systemctl restart wif-agent"
            )
        }
        guard let dollar = value.firstIndex(of: "$"), value.first != "'",
            case let rest = value[value.index(after: dollar)...],
            rest.hasPrefix("{") || rest.hasPrefix("(")
                || rest.prefix(while: { $0.isUppercase || $0 == "_" }).count > 2
        else { return nil }
        return .warning(
            .worker,
            "\(place): \(name.printable) has a $ in its value, which systemd does not expand there",
            hint: "write the value itself, then systemctl restart wif-agent"
        )
    }

    // MARK: Network

    private func networkSteps() -> [StepReport] {
        if let agent = units.agent, startsWorker {
            guard let closed = closedSettings(agent).first else { return [] }
            return [
                .warning(
                    .worker,
                    "\(Self.agentName) starts the worker itself and has no network: \(closed.setting.printable) in"
                        + " \(closed.path.printable)",
                    hint:
                        "systemctl edit wif-agent, [Service] PrivateNetwork=no, IPAddressDeny= and"
                        + " RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6, then systemctl restart wif-agent; or let"
                        + " wif-exchange.socket have the network for it: WIF_AGENT_WORKER_SOCKET=/run/wif-exchange.sock"
                )
            ]
        }
        guard let worker = units.worker else { return [] }
        return closedSettings(worker).map { setting, path in
            .warning(
                .worker,
                "\(Self.workerName), which has the network for the agent, may not use it: \(setting.printable) in"
                    + " \(path.printable)",
                hint:
                    "remove that line from \(path.printable), then systemctl daemon-reload; the agent's own unit"
                    + " is the one without a network"
            )
        }
    }

    /// The settings that keep a service from the network.
    private func closedSettings(_ unit: UnitSettings) -> [(setting: String, path: String)] {
        var found: [(setting: String, path: String)] = []
        if let path = unit.isOn("PrivateNetwork") { found.append(("PrivateNetwork=yes", path)) }
        if let families = unit.last("RestrictAddressFamilies"), isWithoutNetwork(unit) {
            found.append(("RestrictAddressFamilies=\(families.value)", families.path))
        }
        if let denied = unit.last("IPAddressDeny"), denied.value == "any",
            unit.words("IPAddressAllow").isEmpty
        {
            found.append(("IPAddressDeny=any", denied.path))
        }
        return found
    }

    /// Whether the agent's unit uses no worker's socket.
    private var startsWorker: Bool {
        let place = units.variables["WIF_AGENT_WORKER_SOCKET"]
        return place.map { !$0.hasPrefix("/") } ?? (units.worker == nil)
    }

    private func isWithoutNetwork(_ unit: UnitSettings) -> Bool {
        let families = unit.words("RestrictAddressFamilies")
        guard let first = families.first else { return false }
        let names = families.map { String($0.drop { $0 == "~" }) }
        return first.hasPrefix("~") ? names.contains("AF_INET") : !names.contains("AF_INET")
    }

    // MARK: Files

    private func runtimeStep() -> StepReport? {
        guard let agent = units.agent, !agent.words("RuntimeDirectory").contains("wif-agent"),
            !agent.words("ReadWritePaths").contains("/run/wif-agent"), isConfined(agent)
        else { return nil }
        return .warning(
            .runtimeDirectory,
            "\(Self.agentName) has no RuntimeDirectory=wif-agent, so that /run/wif-agent is not made for it: one of"
                + " its files takes it away",
            hint:
                "systemctl cat wif-agent shows which; remove that line, or add RuntimeDirectory=wif-agent, then"
                + " systemctl daemon-reload && systemctl restart wif-agent"
        )
    }

    /// Whether the unit's agent takes the usual directory and cannot make it itself.
    private func isConfined(_ unit: UnitSettings) -> Bool {
        let isElsewhere =
            unit.words("ExecStart").contains { $0.hasPrefix("--runtime-dir") }
            || unit.words("Environment").contains { $0.hasPrefix("WIF_AGENT_RUNTIME_DIR=") }
        let user = unit.last("User")?.value ?? "root"
        return !isElsewhere && (user != "root" || unit.last("ProtectSystem")?.value == "strict")
    }

    private func outputStep(_ output: Output) -> StepReport? {
        guard let agent = units.agent else { return nil }
        let path = output.path
        let place = splitPath(path).directory
        // Of its own directory the step before tells.
        guard place != "/run/wif-agent", !place.hasPrefix("/run/wif-agent/") else { return nil }
        let isOpened = agent.writable.contains { place == $0 || place.hasPrefix($0 + "/") }
        if let home = agent.hidingHome(path) {
            return warning(
                output,
                "ProtectHome=\(home.value) (\(home.path)) hides home directories from \(Self.agentName)",
                hint:
                    "write it below /run/wif-agent, and let the reader read it there; or set ProtectHome=no and"
                    + " ReadWritePaths=\(place.printable) in a drop-in: systemctl edit wif-agent"
            )
        }
        if let tmp = agent.hidingTemporary(path) {
            return warning(
                output,
                "\(Self.agentName) has a /tmp of its own (PrivateTmp=yes in \(tmp)), which no other program sees",
                hint: "write it below /run/wif-agent"
            )
        }
        let system = agent.last("ProtectSystem")
        guard system?.value == "strict", !isOpened, !place.hasPrefix("/dev/"), place != "/dev"
        else {
            return nil
        }
        return warning(
            output,
            "\(Self.agentName) may not write there: of all directories ProtectSystem=strict leaves it"
                + " \(agent.writable.isEmpty ? "none" : agent.writable.joined(separator: ", "))",
            hint:
                "systemctl edit wif-agent, [Service] ReadWritePaths=\(place.printable), then systemctl restart"
                + " wif-agent; or write it below /run/wif-agent"
        )
    }

    private func warning(_ output: Output, _ text: String, hint: String) -> StepReport {
        .warning(.output, text.printable, hint: hint, about: output.path)
    }
}
