import CLinux
import Glibc

/// What a process knows of the generations of files that it has put into a directory: only those are
/// ever removed, whatever else is given such a name.
package struct Generations: Sendable {
    fileprivate struct Generation: Sendable {
        let name: String
        let facts: FileFacts
    }

    fileprivate var present: Generation?
    fileprivate var last: Generation?
    /// Those that are to be removed.
    fileprivate var old: [Generation] = []
    /// Names of links and empty directories whose making failed half way.
    fileprivate var unfinished: Set<String> = []
    /// Whether what an earlier process left has been looked for.
    fileprivate var isAware = false

    package init() {}
}

/// Who may do what with the files of a generation, and with its directory.
package struct GenerationRights: Sendable {
    let files: FileRights
    let directory: FileRights

    package init(mode: UInt32, directoryMode: UInt32, owner: UInt32?, group: UInt32?) {
        files = FileRights(mode: mode, owner: owner, group: group)
        directory = FileRights(mode: directoryMode, owner: owner, group: group)
    }
}

extension Directory {
    /// A file of a set: its name, and what it is to hold.
    package typealias NamedContents = (name: String, contents: Secret)

    /// The link that always leads to the present generation.
    package static let presentLink = "..data"
    private static let prefix = "..wif-"

    /// Puts a set of files in place of the last one, all of them at the same moment: they are written
    /// to a new directory in this one, and the symbolic link `..data` is made to lead there. Each
    /// name beside it is a link to the file of that name below `..data`.
    ///
    /// Whoever opens `..data` once reads files of one generation, which stays until the set after the
    /// next one is there. On failure the last one stays.
    /// - Throws: ``PathError`` that names the step; where a name is taken by something else, nothing has
    ///   been changed.
    package func replaceSet(
        _ files: [NamedContents],
        _ rights: GenerationRights,
        _ known: inout Generations
    ) throws(PathError) {
        for file in files { try checkLink(file.name) }
        try checkLink(Self.presentLink)
        let names = files.map(\.name)
        try becomeAware(names, rights.files.owner, &known)
        let made = try make(files, rights, &known)
        known.old += [known.last].compactMap(\.self)
        known.last = known.present
        known.present = made
        for name in names { try link(name, to: Self.target(of: name), &known) }
        try sync()
        try removeOld(names, &known)
    }

    /// Makes a generation and lets the link lead to it.
    private func make(
        _ files: [NamedContents],
        _ rights: GenerationRights,
        _ known: inout Generations
    ) throws(PathError) -> Generations.Generation {
        let name = Self.prefix + randomDigits()
        known.unfinished.insert(name)
        let generation = try make(name, rights)
        let facts = try about(path(of: name), "cannot be examined") { () throws(Errno) in
            try FileFacts(of: generation.raw)
        }
        known.unfinished.remove(name)
        let made = Generations.Generation(name: name, facts: facts)
        do throws(PathError) {
            for file in files {
                _ = try generation.replace(
                    file.name,
                    with: file.contents,
                    rights.files
                )
            }
            try link(Self.presentLink, to: name, &known)
        } catch {
            // The first failure is the one to tell of; what is left goes with the next set.
            known.old.append(made)
            do throws(PathError) { try removeOld(files.map(\.name), &known) } catch {}
            throw error
        }
        return made
    }

    /// Whether the set is here as it was put, whole and with these rights.
    /// - Throws: ``PathError`` where that cannot be told.
    package func holdsSet(
        _ files: [NamedContents],
        _ rights: GenerationRights,
        _ known: Generations
    ) throws(PathError) -> Bool {
        guard let present = known.present,
            try target(ofLink: Self.presentLink) == present.name,
            let generation = try open(present),
            try generation.hasRights(rights.directory)
        else { return false }
        for file in files {
            guard try target(ofLink: file.name) == Self.target(of: file.name),
                try generation.holds(
                    file.name,
                    file.contents,
                    rights.files
                )
            else { return false }
        }
        return true
    }

    /// Removes what ``replaceSet(_:_:_:)`` has put here, now or in an earlier process.
    /// - Throws: ``PathError`` where a file of it cannot be removed.
    package func removeSet(
        _ names: [String],
        owner: UInt32?,
        _ known: inout Generations
    ) throws(PathError) {
        try becomeAware(names, owner, &known)
        for name in names + [Self.presentLink] where try isOwnLink(name) { try remove(name) }
        known.old += [known.last, known.present].compactMap(\.self)
        known.last = nil
        known.present = nil
        do throws(PathError) {
            try removeOld(names, &known)
        } catch {
            try sync()
            throw error
        }
        try sync()
    }

    private static func target(of name: String) -> String { "\(presentLink)/\(name)" }

    private static func isGeneration(_ name: String) -> Bool {
        name.hasPrefix(prefix) && name.utf8.count == prefix.utf8.count + 16
            && !name.contains("/")
    }

    private func make(
        _ name: String,
        _ rights: GenerationRights
    ) throws(PathError) -> Directory {
        let made = try about(path(of: name), "cannot be made") { () throws(Errno) in
            try systemCall { unsafe mkdirat(raw, name, 0o700) }
            return try claimMade(name, in: raw, rights.directory)
        }
        return within(made, name)
    }

    private func within(_ descriptor: consuming FileDescriptor, _ name: String) -> Directory {
        let trust = DirectoryTrust(owners: [effectiveUserID()], groups: [])
        return Directory(descriptor, path: path(of: name), trust: trust)
    }
}

// MARK: Links

extension Directory {
    /// `nil` for what is no link, and where there is nothing.
    private func target(ofLink name: String) throws(PathError) -> String? {
        guard try facts(of: name)?.kind == .symbolicLink else { return nil }
        return try about(path(of: name), "cannot be read") { () throws(Errno) in
            try linkTarget(name, in: raw)
        }
    }

    private func isOwnLink(_ name: String) throws(PathError) -> Bool {
        guard let target = try target(ofLink: name) else { return false }
        return name == Self.presentLink
            ? Self.isGeneration(target) : target == Self.target(of: name)
    }

    /// Refuses a name that is taken by anything but such a link as is put there.
    private func checkLink(_ name: String) throws(PathError) {
        guard let facts = try facts(of: name), try !isOwnLink(name) else { return }
        throw PathError(
            path(of: name),
            "is \(facts.kind.rawValue), not a link of a credential directory",
            hint: "remove it, or choose another path"
        )
    }

    /// Makes the name a symbolic link with that target, in place of another such link.
    private func link(
        _ name: String,
        to target: String,
        _ known: inout Generations
    ) throws(PathError) {
        try checkLink(name)
        if try self.target(ofLink: name) == target { return }
        let temporary = Self.prefix + randomDigits()
        known.unfinished.insert(temporary)
        try about(path(of: name), "cannot be linked") { () throws(Errno) in
            try systemCall { unsafe symlinkat(target, raw, temporary) }
            try systemCall { unsafe wif_rename(raw, temporary, name) }
        }
        known.unfinished.remove(temporary)
    }
}

// MARK: Removal

extension Directory {
    /// Looks for what an earlier process left: its present generation becomes a known one, all else that
    /// it must have made is to be removed.
    private func becomeAware(
        _ files: [String],
        _ owner: UInt32?,
        _ known: inout Generations
    ) throws(PathError) {
        guard !known.isAware else { return }
        let present = try target(ofLink: Self.presentLink)
        for name in try names() where Self.isGeneration(name) {
            if try facts(of: name)?.kind == .symbolicLink {
                try removeUnfinishedLink(name, files)
            } else if let found = try openGeneration(name, files, owner) {
                if name == present { known.present = found } else { known.old.append(found) }
            }
        }
        known.isAware = true
        try removeOld(files, &known)
    }

    /// Removes the generations that are to be removed, and what was left half made.
    private func removeOld(_ files: [String], _ known: inout Generations) throws(PathError) {
        for name in known.unfinished {
            try removeUnfinishedLink(name, files)
            // Only an empty directory goes by this.
            if unsafe unlinkat(raw, name, AT_REMOVEDIR) == 0 || errno == ENOENT {
                known.unfinished.remove(name)
            }
        }
        var failure: PathError?
        known.old = known.old.filter { generation in
            guard let error = remove(generation, files) else { return false }
            failure = failure ?? error
            return true
        }
        if let failure { throw failure }
    }

    private func removeUnfinishedLink(_ name: String, _ files: [String]) throws(PathError) {
        guard let target = try target(ofLink: name) else { return }
        if Self.isGeneration(target) || files.contains(where: { target == Self.target(of: $0) }) {
            try remove(name)
        }
    }

    /// What must be a generation of an earlier process: a directory of the agent or the output's owner
    /// with nothing but files of theirs and of these names in it. `nil` for anything else.
    private func openGeneration(
        _ name: String,
        _ files: [String],
        _ owner: UInt32?
    ) throws(PathError) -> Generations.Generation? {
        let owners: Set<UInt32> = [effectiveUserID(), owner ?? effectiveUserID()]
        guard let facts = try facts(of: name), facts.kind == .directory,
            owners.contains(facts.owner)
        else { return nil }
        let found = Generations.Generation(name: name, facts: facts)
        guard let directory = try open(found) else { return nil }
        for file in try directory.names() {
            guard let facts = try directory.facts(of: file), facts.kind == .regular,
                owners.contains(facts.owner), isFile(file, of: files)
            else { return nil }
        }
        return found
    }

    /// Opens a generation; `nil` where the name leads to something else by now.
    private func open(_ generation: Generations.Generation) throws(PathError) -> Directory? {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        let opened = unsafe wif_openat(raw, generation.name, flags, 0)
        guard opened >= 0 else {
            let reason = Errno(errno)
            if [ENOENT, ENOTDIR, ELOOP].contains(reason.code) { return nil }
            throw PathError(path(of: generation.name), "cannot be opened", reason)
        }
        let descriptor = FileDescriptor(owning: opened)
        let facts = try about(path(of: generation.name), "cannot be examined") {
            () throws(Errno) in try FileFacts(of: opened)
        }
        guard facts.isSameFile(as: generation.facts) else { return nil }
        return within(descriptor, generation.name)
    }

    private func isFile(_ name: String, of files: [String]) -> Bool {
        files.contains { name == $0 || name.hasPrefix(temporaryPrefix(of: $0)) }
    }

    /// Removes a generation's files, and it; answers why it is still there. Where somebody has put
    /// something in, the directory stays, without a credential.
    private func remove(_ generation: Generations.Generation, _ files: [String]) -> PathError? {
        do throws(PathError) {
            guard let directory = try open(generation) else { return nil }
            for file in try directory.names() where isFile(file, of: files) {
                guard try directory.facts(of: file)?.kind == .regular else { continue }
                try directory.remove(file)
            }
            if unsafe unlinkat(raw, generation.name, AT_REMOVEDIR) != 0, errno != ENOTEMPTY {
                throw PathError(path(of: generation.name), "cannot be removed", Errno(errno))
            }
            return nil
        } catch {
            return error
        }
    }
}
