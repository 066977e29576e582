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

    /// A warning for each service in whose way something is.
    func steps() -> [StepReport] {
        names.prefix(Self.limit).flatMap { name -> [StepReport] in
            guard let unit = UnitSettings(of: name, below: root) else { return [] }
            let found = UnitReferences(of: unit, below: root)
            return found.flaws.map { warning(unit, $0.text, hint: $0.hint) }
                + found.all.compactMap { step($0, unit) }
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

    // MARK: One place

    private func step(_ reference: UnitReferences.Reference, _ unit: UnitSettings) -> StepReport? {
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
    private func elsewhere(_ reference: UnitReferences.Reference, _ unit: UnitSettings)
        -> StepReport?
    {
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
        _ reference: UnitReferences.Reference,
        _ output: Output,
        _ unit: UnitSettings
    ) -> StepReport? {
        switch reference.kind {
        case .credential: return nil
        case .variable(let name) where reference.isHandedOver:
            return handedOver(name, reference, output, unit)
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

    /// That systemd hands over something else than what the variable's programs read.
    private func handedOver(
        _ name: String,
        _ reference: UnitReferences.Reference,
        _ output: Output,
        _ unit: UnitSettings
    ) -> StepReport? {
        guard let consumer = Consumer.all.first(where: { $0.variable == name }),
            let wanted = consumer.formats.first?.rawValue, !consumer.isRead(output.format)
        else { return nil }
        let path = output.path.printable
        let key = output.isSocket ? "content" : "format"
        let how =
            account.configuredOutputs.isEmpty
            ? "give the account file \(account.path.printable) \"outputs\": [{\"format\": \"socket\", \"path\": \"\(path)\","
                + " \"content\": \"\(wanted)\"}]"
            : "write \"\(key)\": \"\(wanted)\" in that output of \(account.path.printable)"
        return warning(
            unit,
            "\(unit.name) has systemd read \(path) and hand it over as \(name) (\(reference.setting.path)), whose programs"
                + " want \(consumer.content); what is delivered there is \(output.format.rawValue)",
            hint: "\(how), then systemctl reload wif-agent && systemctl restart \(unit.name)"
        )
    }

    /// That the service's user may not read what is there. systemd itself, as root, reads for the others.
    private func rights(
        _ reference: UnitReferences.Reference,
        _ output: Output,
        _ unit: UnitSettings
    ) -> StepReport? {
        guard case .variable = reference.kind, !reference.isHandedOver, !output.isSocket,
            unit.last("DynamicUser") == nil, let user = InstalledUnits.user(of: unit),
            !user.rights.isRoot
        else { return nil }
        let closed = user.rights.closedDirectory(above: output.path)?.path
        guard
            let why = closed.map({ "enter \($0.printable)" }) ?? unreadable(output, by: user.rights)
        else { return nil }
        let name = user.name
        return warning(
            unit,
            "\(unit.name) reads \(output.path.printable) as \(name.printable), who may not \(why)",
            hint:
                "write \"group\": \"\(name.printable)\" and \"mode\": \"0640\" in that output (the agent's user must be"
                + " in that group: usermod -aG \(name.printable) wif-agent, then systemctl restart wif-agent); or have"
                + " systemd hand it over: LoadCredential=NAME:\(output.path.printable) and the variable as %d/NAME"
        )
    }

    /// What the user may not do with the file as it is, or as the agent will make it; `nil` for one that can be
    /// read.
    private func unreadable(_ output: Output, by user: FileUser) -> String? {
        if let facts = FileFacts(ifAt: output.path) {
            return user.may(4, facts, at: output.path) ? nil : "read it (mode \(facts.modeText))"
        }
        guard case .file(_, let options) = output.kind else { return nil }
        let agent = InstalledUnits(below: root).user?.rights
        let owner = options.owner.flatMap(userID) ?? agent?.id
        let group = options.group.flatMap(groupID) ?? agent?.id
        let shift: UInt32 =
            owner == user.id ? 6 : group.map(user.groups.contains) == true ? 3 : 0
        let mode = "0\(String(options.mode, radix: 8))"
        return options.mode >> shift & 4 == 4
            ? nil : "read it: the agent makes it with the mode \(mode) for its own user"
    }

    private func warning(_ unit: UnitSettings, _ text: String, hint: String) -> StepReport {
        .warning(.environment, text.printable, hint: hint, about: unit.name)
    }
}
