import Federation
import Kernel
import Text

/// Files that look as if they set something for the services, and that systemd does not read; and those that
/// this user may not read, so that nothing is known of what they set. `systemd.unit(5)`
struct StrayUnitFiles {
    private let units: InstalledUnits

    private static let folders = ["/etc/systemd/system", "/run/systemd/system"]
    private static let proper = [InstalledUnits.agentName, InstalledUnits.workerName]

    init(_ units: InstalledUnits) {
        self.units = units
    }

    func steps() -> [StepReport] {
        let known = [units.agent, units.worker].compactMap(\.self)
        return known.flatMap(\.passedOver).map(passedOver) + foreignFolders
            + known.flatMap(\.unreadable).map { path in
                .unreadable(.worker, path, "what it sets for the service is not known here")
            }
    }

    private func passedOver(_ path: String) -> StepReport {
        let set = settings(of: path)
        return warning(
            path,
            "systemd does not read \(path.printable), whose name does not end in .conf\(Self.listed(set))",
            hint:
                "mv \(path.printable) \(path.printable).conf && systemctl daemon-reload && systemctl restart wif-agent",
            set
        )
    }

    /// Folders of parts of units that do not exist, by a name that is near to a real one.
    private var foreignFolders: [StepReport] {
        Self.folders.flatMap { folder -> [StepReport] in
            let names: [String]
            do throws(Errno) { names = try listDirectory(units.root + folder) } catch { return [] }
            return names.sorted().compactMap { name in
                guard name.hasPrefix("wif-"), name.hasSuffix(".d"), let meant = meant(name) else {
                    return nil
                }
                let path = "\(units.root)\(folder)/\(name)"
                let set = parts(of: path).flatMap(settings)
                return warning(
                    path,
                    "systemd does not read \(path.printable): there is no unit"
                        + " \(name.dropLast(2).description.printable)\(Self.listed(set))",
                    hint:
                        "mv \(path.printable) \(folder)/\(meant).d && systemctl daemon-reload && systemctl restart"
                        + " wif-agent",
                    set
                )
            }
        }
    }

    /// The unit that a folder was meant for; `nil` for one of a unit that there may be.
    private func meant(_ name: String) -> String? {
        let unit = String(name.dropLast(2))
        // An instance of the worker has parts of its own, and so has a socket or a user's agent.
        let isOther =
            Self.proper.contains(unit) || unit.hasSuffix(".socket") || unit.hasSuffix(".timer")
            || unit.hasPrefix("wif-agent@") || unit.hasPrefix("wif-exchange@")
        guard !isOther, UnitSettings(of: unit, below: units.root) == nil else { return nil }
        return unit.hasPrefix("wif-exchange") ? Self.proper[1] : Self.proper[0]
    }

    private func parts(of folder: String) -> [String] {
        do throws(Errno) {
            return try listDirectory(folder).sorted().map { "\(folder)/\($0)" }
        } catch {
            return []
        }
    }

    // MARK: What they set

    private func settings(of path: String) -> [String] {
        UnitSettings.assignments(ofUnit: readText(ifAt: path) ?? "").compactMap { key, value in
            guard key == "Environment" else { return key }
            return UnitSettings.assignment(value)?.name
        }
    }

    private static func listed(_ names: [String]) -> String {
        names.isEmpty
            ? "" : ": \(names.joined(separator: ", ").printable) is not set for the service"
    }

    private func warning(
        _ path: String,
        _ text: String,
        hint: String,
        _ set: [String]
    ) -> StepReport {
        var step = StepReport.warning(.worker, text, hint: hint, about: path)
        step.explainsFailures = !set.isEmpty
        return step
    }
}

extension StepReport {
    /// That this user may not read a file of the service's, by the loss that this is.
    static func unreadable(_ name: Name, _ path: String, _ loss: String) -> StepReport {
        .unseen(
            name,
            "\(userName(effectiveUserID()).printable), this user, may not read \(path.printable), so that \(loss): sudo"
                + " wif-agent doctor reads it",
            about: path
        )
    }
}
