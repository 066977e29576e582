import Agent
import Federation
import Kernel
import Text

/// What other services of this machine read of what an account delivers: another path, another format, or
/// as a user who may not.
struct UnitConsumers {
    private let account: Account
    private let outputs: [Output]
    private let root: String

    /// Where the files of an administrator's services are.
    private static let directories = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
    ]
    /// Services that are looked at.
    private static let limit = 300

    /// - Parameter root: what stands before the paths of systemd's folders; empty but in tests.
    init(of account: Account, below root: String = "") {
        (self.account, self.root) = (account, root)
        outputs = account.outputs(in: "/run/wif-agent").filter { $0.secret == nil }
    }

    /// A place that a service's settings name.
    private struct Reference {
        enum Kind {
            case variable(String)
            case environmentFile
            case credential
        }

        let kind: Kind
        let path: String
        /// The setting as it stands there, and the file that has it.
        let setting: UnitSettings.Value
    }

    /// A warning for each service in whose way something is.
    func steps() -> [StepReport] {
        names.prefix(Self.limit).flatMap { name -> [StepReport] in
            guard let unit = UnitSettings(of: name, below: root) else { return [] }
            return references(unit).compactMap { step($0, unit) }
        }
    }

    private var names: [String] {
        var names: Set<String> = []
        for folder in Self.directories {
            do throws(Errno) {
                for name in try listDirectory(root + folder) {
                    let unit = name.hasSuffix(".d") ? String(name.dropLast(2)) : name
                    if unit.hasSuffix(".service") { names.insert(unit) }
                }
            } catch {
                continue
            }
        }
        return names.filter { !$0.hasPrefix("wif-") }.sorted()
    }

    private func references(_ unit: UnitSettings) -> [Reference] {
        var found: [Reference] = []
        for value in unit.all("Environment") {
            for word in value.text.split(separator: " ") {
                guard let (name, path) = UnitSettings.assignment(String(word)) else { continue }
                guard Consumer.all.contains(where: { $0.variable == name }) else { continue }
                found.append(Reference(kind: .variable(name), path: path, setting: value))
            }
        }
        for value in unit.all("EnvironmentFile") {
            let path = String(value.text.drop { $0 == "-" })
            found.append(Reference(kind: .environmentFile, path: path, setting: value))
        }
        for value in unit.all("LoadCredential") {
            guard let mark = value.text.firstIndex(of: ":") else { continue }
            let path = String(value.text[value.text.index(after: mark)...])
            found.append(Reference(kind: .credential, path: path, setting: value))
        }
        return found.filter { $0.path.hasPrefix("/") && !$0.path.contains("%") }
    }

    // MARK: One place

    private func step(_ reference: Reference, _ unit: UnitSettings) -> StepReport? {
        let path = reference.path
        if let output = outputs.first(where: { $0.path == path }) {
            return format(reference, output, unit) ?? rights(reference, output, unit)
        }
        let isInside = outputs.contains { output in
            if case .directory = output.kind { path.hasPrefix(output.path + "/") } else { false }
        }
        guard !isInside, FileFacts(ifAt: path) == nil else { return nil }
        return elsewhere(reference, unit)
    }

    /// That nobody delivers to the place.
    private func elsewhere(_ reference: Reference, _ unit: UnitSettings) -> StepReport? {
        let path = reference.path
        let folder = splitPath(path).directory
        let near = nearest(to: path, among: outputs.map(\.path))
        let isOurs =
            folder == "/run/wif-agent" || folder.hasPrefix("/run/wif-agent/")
            || outputs.contains { splitPath($0.path).directory == folder }
        guard near != nil || (isOurs && isSoleAccount), let meant = near ?? outputs.first?.path
        else {
            return nil
        }
        return warning(
            unit,
            "\(unit.name) reads \(path.printable) (\(reference.setting.path)), and nothing is delivered there",
            hint:
                "the account delivers to \(meant.printable): write that in \(reference.setting.path), then systemctl"
                + " daemon-reload && systemctl restart \(unit.name); or change the output's path"
        )
    }

    private var isSoleAccount: Bool {
        do throws(AccountFiles.Problem) {
            return try AccountFiles.list(AccountChoice.standardDirectory).count == 1
        } catch {
            return false
        }
    }

    /// That the service reads another format than the output's.
    private func format(
        _ reference: Reference,
        _ output: Output,
        _ unit: UnitSettings
    ) -> StepReport? {
        switch reference.kind {
        case .credential: return nil
        case .variable(let name):
            guard let consumer = Consumer.all.first(where: { $0.variable == name }),
                let step = consumer.step(reference.path, account)
            else { return nil }
            return warning(
                unit,
                "\(unit.name) (\(reference.setting.path)): \(step.text)",
                hint: step.hint ?? "correct it there"
            )
        case .environmentFile:
            guard case .file(let format, _) = output.kind else {
                return warning(
                    unit,
                    "\(unit.name) reads \(output.path.printable) by EnvironmentFile= (\(reference.setting.path)), and"
                        + " that output is no file",
                    hint:
                        "give the account an output of the format envfile with a path of its own, and name that"
                )
            }
            guard format != .envfile, format != .template else { return nil }
            return warning(
                unit,
                "\(unit.name) reads \(output.path.printable) by EnvironmentFile= (\(reference.setting.path)), and the"
                    + " output's format is \(format.rawValue), of which systemd makes no variables",
                hint: "write \"format\": \"envfile\" in that output"
            )
        }
    }

    /// That the service's user may not read what is there. systemd itself, as root, reads for the others.
    private func rights(
        _ reference: Reference,
        _ output: Output,
        _ unit: UnitSettings
    ) -> StepReport? {
        guard case .variable = reference.kind, case .file = output.kind,
            unit.last("DynamicUser") == nil, let user = InstalledUnits.user(of: unit),
            !user.rights.isRoot, let facts = FileFacts(ifAt: output.path)
        else { return nil }
        let closed = user.rights.closedDirectory(above: output.path)?.path
        guard closed != nil || !user.rights.may(4, facts) else { return nil }
        let name = user.name
        let why = closed.map { "enter \($0.printable)" } ?? "read it (mode \(facts.modeText))"
        return warning(
            unit,
            "\(unit.name) reads \(output.path.printable) as \(name.printable), who may not \(why)",
            hint:
                "write \"group\": \"\(name.printable)\" and \"mode\": \"0640\" in that output (the agent's user must be"
                + " in that group: usermod -aG \(name.printable) wif-agent, then systemctl restart wif-agent); or have"
                + " systemd hand it over: LoadCredential=NAME:\(output.path.printable) and the variable as %d/NAME"
        )
    }

    private func warning(_ unit: UnitSettings, _ text: String, hint: String) -> StepReport {
        .warning(.environment, text.printable, hint: hint, about: unit.name)
    }
}
