package import Federation
import Kernel
import Text

extension Output {
    /// What keeps those from a file or socket for whom the account file makes it, and what to do; `nil` where
    /// nothing does, or where nobody is named.
    package var readerObjection: (text: String, hint: String)? {
        if case .socket(_, let access) = kind {
            for unit in access.units {
                if let objection = UnitFiles.objection(to: unit) {
                    return ("allowUnits: \(objection.text)", objection.hint)
                }
            }
        }
        if let objection = listObjection ?? listedObjection { return objection }
        let (mode, owner, group) = wanted
        guard let mode else { return nil }
        if let group, let id = groupID(of: group) {
            // A socket is written to by whoever connects to it. unix(7)
            let bits: UInt32 = isSocket ? 0o060 : 0o040
            guard mode & bits == bits else {
                return (
                    "its group is \(group.printable), which the mode 0\(String(mode, radix: 8)) gives no access",
                    "write \"mode\": \"\(isSocket ? "0660" : "0640")\" beside the group"
                )
            }
            if let place = closedDirectory({ mayEnter($0, group: id) }) {
                return closed(
                    place,
                    to: "the group \(group.printable)",
                    give: "chgrp \(group.printable)"
                )
            }
        }
        if let owner, let id = userID(of: owner), id != 0, id != effectiveUserID() {
            if let place = FileUser.known(id).closedDirectory(above: path)?.path {
                return closed(place, to: "the owner \(owner.printable)", give: nil)
            }
        }
        guard mode & 0o004 != 0, owner == nil, group == nil,
            let place = closedDirectory({ $0.mode & 0o001 != 0 })
        else { return nil }
        return closed(place, to: "other users, who may read the output", give: nil)
    }

    /// That a socket's mode shuts out those whom its own lists let in.
    private var listObjection: (text: String, hint: String)? {
        guard case .socket(_, let access) = kind, let mode = access.mode,
            !access.users.isEmpty || !access.groups.isEmpty, mode & 0o006 != 0o006
        else { return nil }
        // A group of the socket's own may do for all of them.
        let isGroups =
            mode & 0o060 == 0o060 && access.users.isEmpty
            && access.group.map { [$0] } == access.groups
        guard !isGroups else { return nil }
        let list = access.groups.isEmpty ? "allowUsers" : "allowGroups"
        return (
            "its mode 0\(String(mode, radix: 8)) lets only its owner\(mode & 0o060 == 0o060 ? " and group" : "") connect,"
                + " whomever \(list) allows",
            "leave mode out: the list itself, and not the mode, then decides who may read (0666); or write \"mode\":"
                + " \"0666\""
        )
    }

    /// That a folder shuts out one of those whom a socket's lists let in: one that is there is left as it is.
    private var listedObjection: (text: String, hint: String)? {
        guard case .socket(_, let access) = kind else { return nil }
        for name in access.users {
            guard let id = userID(of: name), id != 0,
                let place = FileUser.known(id).closedDirectory(above: path)?.path
            else { continue }
            return closed(
                place,
                to: "the user \(name.printable), whom allowUsers lets in",
                give: nil
            )
        }
        for name in access.groups {
            guard let id = groupID(of: name),
                let place = closedDirectory({ mayEnter($0, group: id) })
            else { continue }
            return closed(
                place,
                to: "the group \(name.printable), which allowGroups lets in",
                give: "chgrp \(name.printable)"
            )
        }
        return nil
    }

    private var wanted: (mode: UInt32?, owner: String?, group: String?) {
        switch kind {
        case .file(_, let options): (options.mode, options.owner, options.group)
        case .directory(let options): (nil, options.owner, options.group)
        case .socket(_, let access):
            // Of a list of readers is told before.
            access.users.isEmpty && access.groups.isEmpty
                ? (access.effectiveMode, access.owner, access.group) : (nil, nil, nil)
        case .kubernetesSecret: (nil, nil, nil)
        }
    }

    private func closed(
        _ place: String,
        to whom: String,
        give command: String?
    ) -> (text: String, hint: String) {
        let own = command.map { "; or \($0) \(place.printable) and chmod g+x" } ?? ""
        return (
            "\(place.printable) is closed to \(whom): the \(isSocket ? "socket" : "file") cannot be reached there",
            "chmod o+x \(place.printable)\(own); or choose a path below /run whose folders they may enter"
        )
    }

    private func mayEnter(_ facts: FileFacts, group: UInt32) -> Bool {
        facts.mode & (facts.group == group ? 0o010 : 0o001) != 0
    }

    /// The first directory on the path that is there and is not to be entered.
    private func closedDirectory(_ mayEnter: (FileFacts) -> Bool) -> String? {
        parentDirectories(of: path).first { FileFacts(ifAt: $0).map { !mayEnter($0) } ?? false }
    }
}
