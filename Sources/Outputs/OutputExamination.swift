package import Federation
package import Kernel

extension Output {
    /// Tells, without making or writing anything, whether an agent that runs as the user could deliver
    /// here; answers what there is.
    ///
    /// - Parameters:
    ///   - isServed: whether a running agent has this output already, so that a socket that is
    ///   served is its own.
    ///   - made: a directory that is not there yet, and that a service manager makes for the user.
    /// - Throws: ``OutputError``, in the words with which the delivery would fail.
    package func examine(
        as user: FileUser,
        isServed: Bool,
        made: String? = nil
    ) throws(OutputError) -> String {
        guard secret == nil else { return "is written with the pod's own service account" }
        let rights = rights
        let (owner, group) = try resolved(rights.owner, rights.group, for: path)
        if case .socket(_, let access) = kind {
            _ = try SocketGuard(access, owner: owner, path: path)
            guard path.utf8.count <= 107 else {
                let hint = "clients can give a socket's path in at most 107 bytes"
                throw OutputError(path, "is too long for a socket", hint: hint)
            }
        }
        try checkGiving(owner, group, user)
        var (parent, name) = try parts(of: path)
        if case .directory = kind { (parent, name) = (path, "") }
        if let made, parent == made || parent.hasPrefix(made + "/") {
            return "\(made) is made for \(userDescription(user.id))"
        }
        let trust = DirectoryTrust(
            owners: [user.id, owner ?? user.id],
            groups: group.map { [$0] } ?? [],
            shared: rights.shared
        )
        do throws(PathError) {
            let (place, missing) = try nearestDirectory(parent, trust: trust)
            try checkAdding(to: place, user, making: missing.isEmpty ? nil : parent)
            try checkRoom(in: place)
            if !missing.isEmpty { return "\(parent) would be made in \(place.path)" }
            if name.isEmpty {
                try checkMembers(of: place)
                return "a directory of files, \(place.path)"
            }
            return try target(name, in: place, isServed)
        } catch {
            throw OutputError(path, error)
        }
    }

    /// Refuses a directory of files in which others' files have the names that it makes.
    private func checkMembers(of place: Directory) throws(PathError) {
        for name in DirectoryOutput.names {
            guard let facts = try place.facts(of: name), facts.kind != .symbolicLink else {
                continue
            }
            throw PathError(
                "\(place.path)/\(name)",
                "is \(facts.kind.rawValue), not a link of a credential directory",
                hint:
                    "move \(place.path)/\(name) away, if nobody needs it; or choose a directory of the account's own"
            )
        }
    }

    private func checkRoom(in place: Directory) throws(PathError) {
        let missing: Lack?
        do throws(Errno) {
            missing = try lack(in: place)
        } catch {
            throw PathError(place.path, "cannot be written", error)
        }
        switch missing {
        case nil: break
        case .blocks: throw PathError(place.path, "cannot be written", .noSpace)
        case .files:
            throw PathError(
                place.path,
                "cannot be written: its file system has no inodes left, whatever room it has",
                .noSpace,
                hint: "remove files there until df -i shows free inodes, or choose another path"
            )
        }
    }

    private var rights: (owner: String?, group: String?, shared: String?) {
        switch kind {
        case .file(_, let options), .directory(let options):
            (options.owner, options.group, options.sharedDirectory(of: path))
        case .socket(_, let access): (access.owner, access.group, nil)
        case .kubernetesSecret: (nil, nil, nil)
        }
    }

    private func checkGiving(
        _ owner: UInt32?,
        _ group: UInt32?,
        _ user: FileUser
    ) throws(OutputError) {
        guard !user.isRoot else { return }
        let who = userDescription(user.id)
        if let owner, owner != user.id {
            throw OutputError(
                path,
                "cannot be given to \(userDescription(owner)) by \(who)",
                reason: .notPermitted,
                hint: "only root may give files away: run the agent as root, or leave owner out and"
                    + " give the readers a group"
            )
        }
        if let group, !user.groups.contains(group) {
            throw OutputError(
                path,
                "cannot be given to the group \(rights.group ?? String(group)), of which \(who) is"
                    + " no member",
                reason: .notPermitted,
                hint: "add the agent's user to the group (SupplementaryGroups= under systemd)"
            )
        }
    }

    /// What is there now.
    private func target(
        _ name: String,
        in place: Directory,
        _ isServed: Bool
    ) throws(PathError) -> String {
        guard case .socket = kind else {
            try place.checkTarget(name)
            if isMountPoint(path) {
                throw PathError(path, "cannot be replaced", .busy, hint: mountPointHint)
            }
            return try place.facts(of: name) == nil ? "can be made" : "can be replaced"
        }
        guard let facts = try place.facts(of: name) else { return "can be made" }
        guard facts.kind == .socket else {
            throw PathError(
                path,
                "is \(facts.kind.rawValue), not a socket",
                hint: "remove it, or choose another path"
            )
        }
        if isServed { return "is served by the running agent" }
        guard !isListenedOn(path) else {
            throw PathError(
                path,
                "is served by a running process",
                hint: listenerAdvice(path)
            )
        }
        return "can be replaced"
    }
}

/// Opens the directory, or the nearest one above it that is there, by a checked walk that makes nothing.
///
/// - Returns: the directory, and the names below it that are missing.
/// - Throws: `PathError`.
package func nearestDirectory(
    _ path: String,
    trust: DirectoryTrust
) throws(PathError) -> (directory: Directory, missing: [String]) {
    var (place, missing): (String, [String]) = (path, [])
    while true {
        do throws(PathError) {
            return (try Directory.open(place, trust: trust), missing)
        } catch {
            guard error.reason == .notFound, place != "/" else { throw error }
        }
        let (parent, name) = splitPath(place)
        (place, missing) = (parent, [name] + missing)
    }
}

/// Refuses a directory into which the user may not put anything.
///
/// - Parameter making: the directory that is to be made in it; `nil` for one that is there.
/// - Throws: `PathError`.
package func checkAdding(
    to directory: Directory,
    _ user: FileUser,
    making: String? = nil
) throws(PathError) {
    do throws(Errno) {
        try user.checkAdding(to: directory.path)
    } catch {
        let parent = directory.path == "/" ? "" : directory.path
        let folder = "install -d -o \(userName(user.id)) \(making ?? "\(parent)/wif-agent")"
        throw PathError(
            directory.path,
            "cannot be written by \(userDescription(user.id))",
            error,
            hint: error == .readOnly
                ? readOnlyHint
                : "write it into /run/wif-agent where the units run the agent; else make a folder for"
                    + " it: \(folder)"
        )
    }
}

private func isListenedOn(_ path: String) -> Bool {
    do throws(ReadFileError) {
        // Bound by way of an open directory, it shows a path of /proc.
        let name = splitPath(path).name
        return try listeningSocketPaths().contains {
            $0 == path || ($0.hasPrefix("/proc/self/fd/") && splitPath($0).name == name)
        }
    } catch {
        // Not told: whether somebody lives there shows when the agent starts.
        return false
    }
}
