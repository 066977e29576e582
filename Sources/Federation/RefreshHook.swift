import Kernel
import Text

/// What happens after every output holds a new credential.
package enum RefreshHook: Equatable, Sendable {
    /// What systemd does with a unit. `systemctl(1)`
    package enum UnitAction: String, CaseIterable, Sendable {
        case tryReloadOrRestart = "try-reload-or-restart"
        case reloadOrRestart = "reload-or-restart"
        case reload
        case tryRestart = "try-restart"
        case restart
    }

    /// A program and its arguments, run without a shell for at most `timeout` seconds.
    case command([String], timeout: Double)
    /// A signal to the process whose id is in the file.
    case signal(String, pidFile: String)
    /// A job for a systemd unit.
    case unit(String, UnitAction)
}

extension Account {
    /// The hooks that the file lists.
    static func hooks(
        _ values: inout KeyedValues,
        warnings: inout [AccountWarning]
    ) throws(AccountError) -> [RefreshHook] {
        var hooks: [RefreshHook] = []
        for var entry in try values.objects("onRefresh") {
            let hook = try RefreshHook(&entry)
            hooks.append(hook)
            if case .command(let words, _) = hook, let warning = entry.warning(of: words) {
                warnings.append(warning)
            }
            warnings += entry.unknownKeys()
        }
        return hooks
    }
}

extension RefreshHook {
    fileprivate init(_ hook: inout KeyedValues) throws(AccountError) {
        let given = ["command", "signal", "unit"].filter { hook.has($0) }
        guard given.count == 1 else {
            let found = given.isEmpty ? "none" : given.joined(separator: " and ")
            throw hook.error(
                "command",
                "exactly one of command, signal and unit is expected, found \(found)",
                hint: "keep one of them; write a second hook for the other"
            )
        }
        switch given[0] {
        case "unit": self = try Self.unit(&hook)
        case "signal":
            guard let signal = try hook.text("signal") else {
                throw hook.missing("signal", "a signal's name")
            }
            guard let pidFile = try hook.absolutePath("pidFile") else {
                throw hook.missing("pidFile", "an absolute path")
            }
            try hook.checkSignal(signal)
            self = .signal(signal, pidFile: pidFile)
        default: self = try Self.command(&hook)
        }
    }

    private static func command(_ hook: inout KeyedValues) throws(AccountError) -> RefreshHook {
        if let text = hook.peek("command") {
            throw hook.error(
                "command",
                "an array of strings is expected, found a string",
                hint: ShellLine(text).hint
            )
        }
        let command = try hook.strings("command")
        try hook.checkProgram(command.first ?? "")
        let timeout = try hook.number("timeout", in: 1...3600) ?? 30
        return .command(command, timeout: timeout)
    }

    private static func unit(_ hook: inout KeyedValues) throws(AccountError) -> RefreshHook {
        let unit = try hook.requiredText("unit", "a systemd unit's name")
        try hook.checkUnit(unit, "unit")
        let words = UnitAction.allCases.map(\.rawValue)
        let action = try hook.choice("action", UnitAction.self, among: words)
        return .unit(unit, action ?? .tryReloadOrRestart)
    }
}

extension KeyedValues {
    fileprivate func checkSignal(_ name: String) throws(AccountError) {
        guard Signal.number(named: name) == nil else { return }
        throw error(
            "signal",
            "\"\(name.printable)\" is not a signal that a hook can send; one of"
                + " \(Signal.names.joined(separator: ", "))",
            hint: "write HUP, which most programs take as the order to reload"
        )
    }

    /// Names of systemd's units have a suffix, and no characters of a pattern. `systemd.unit(5)`
    func checkUnit(_ unit: String, _ key: String) throws(AccountError) {
        let suffixes = [
            ".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path",
            ".timer", ".slice", ".scope",
        ]
        guard suffixes.contains(where: unit.hasSuffix) else {
            throw error(
                key,
                "\"\(unit.printable)\" is not a unit's name: it has no suffix",
                hint: "write \(unit.printable).service"
            )
        }
        let isName =
            unit.utf8.count <= 255 && !unit.hasPrefix("-")
            && unit.unicodeScalars.allSatisfy { character in
                character.isASCII
                    && (character.properties.isAlphabetic
                        || character.properties.numericType != nil
                        || ":_.\\@-".unicodeScalars.contains(character))
            }
        guard isName else {
            throw error(key, "\"\(unit.printable)\" is not a unit's name")
        }
    }
}
