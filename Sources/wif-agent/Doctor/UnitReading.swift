import Federation
import Kernel
import Text

/// Whether the packaged units' user can read an account file of the folder that they read.
struct UnitReading {
    private let path: String
    private let units: InstalledUnits

    init(of path: String, _ units: InstalledUnits) {
        (self.path, self.units) = (path, units)
    }

    /// What keeps that user from it, and the commands that change all of that; `nil` where nothing does.
    var objection: StepReport? {
        guard AccountChoice.isStandard(path), let user = units.user,
            let facts = FileFacts(ifAt: path)
        else { return nil }
        let target: String
        do throws(Errno) { target = try realPath(path) } catch { return nil }
        let folders = parentDirectories(of: target).filter { place in
            FileFacts(ifAt: place).map { !user.rights.may(1, $0, at: place) } ?? false
        }
        let isClosed = !user.rights.may(4, facts, at: path)
        guard isClosed || !folders.isEmpty else { return nil }
        let (file, other) = (path.printable, target.printable)
        let cannot =
            folders.map { "enter \($0.printable)" } + (isClosed ? ["read \(file)"] : [])
        return .failed(
            .account,
            .misconfigured,
            "the agent's units run as \(user.name)\(origin), who may not \(cannot.joined(separator: ", nor "))"
                + (target == path ? "" : "; \(file) is a link to \(other)"),
            hint: target == path || folders.isEmpty
                ? opening(folders, isClosed, user) + takingBack(user)
                : "put the file itself there: cp --remove-destination \(other) \(file) && chown"
                    + " root:\(user.group) \(file) && chmod 640 \(file)",
            about: path
        )
    }

    /// Where the units' own user is replaced by another.
    private var foreign: (value: String, path: String)? {
        guard let setting = units.agent?.last("User"), setting.value != "wif-agent" else {
            return nil
        }
        return setting
    }

    private var origin: String {
        foreign.map { " (User=\($0.value.printable) in \($0.path.printable))" } ?? ""
    }

    private func opening(
        _ folders: [String],
        _ isClosed: Bool,
        _ user: InstalledUnits.User
    ) -> String {
        let file = path.printable
        var commands: [String] = []
        if !folders.isEmpty {
            let list = folders.map(\.printable).joined(separator: " ")
            commands += ["chgrp \(user.group) \(list)", "chmod g+x \(list)"]
        }
        if isClosed { commands += ["chown root:\(user.group) \(file)", "chmod 640 \(file)"] }
        return commands.joined(separator: " && ")
    }

    private func takingBack(_ user: InstalledUnits.User) -> String {
        guard let foreign else { return "" }
        return
            "; or, if the service is to run as wif-agent, take User= and Group= out of \(foreign.path.printable), then"
            + " systemctl daemon-reload && systemctl restart wif-agent"
    }
}
