internal import CLinux
import Glibc

extension Directory {
    private static let current = "..data"
    private static let prefix = "..wif-"

    /// Puts a set of files in place of the last one, all of them at the same moment: they are written
    /// to a new directory in this one, and the symbolic link `..data` is made to lead there. Each
    /// name beside it is a link to the file of that name below `..data`.
    ///
    /// Whoever opens `..data` once reads files of one generation, which stays until the set after the
    /// next one is there. On failure the last one stays.
    /// - Throws: ``PathError`` that names the step.
    package func replaceSet(
        _ files: [(name: String, contents: Secret)],
        mode: UInt32,
        directoryMode: UInt32,
        owner: UInt32? = nil,
        group: UInt32? = nil
    ) throws(PathError) {
        let name = Self.prefix + randomDigits()
        let last = try presentGeneration()
        try removeUnfinished(besides: last)
        do throws(PathError) {
            let generation = try make(name, directoryMode, owner, group)
            for file in files {
                _ = try generation.replace(
                    file.name,
                    with: file.contents,
                    mode: mode,
                    owner: owner,
                    group: group
                )
            }
            try link(Self.current, to: name)
        } catch {
            // The first failure is the one to tell of; what is left goes with the next set.
            do throws(PathError) { try removeGenerations(but: [last]) } catch {}
            throw error
        }
        for file in files { try link(file.name, to: "\(Self.current)/\(file.name)") }
        try sync()
        try removeGenerations(but: [name, last])
    }

    /// Removes what ``replaceSet(_:mode:directoryMode:owner:group:)`` has put here.
    /// - Throws: ``PathError``.
    package func removeSet(_ names: [String]) throws(PathError) {
        for name in names + [Self.current] where try facts(of: name)?.kind == .symbolicLink {
            try remove(name)
        }
        try removeGenerations(but: [])
        try sync()
    }

    private func make(
        _ name: String,
        _ mode: UInt32,
        _ owner: UInt32?,
        _ group: UInt32?
    ) throws(PathError) -> Directory {
        let made = try about(path(of: name), "cannot be made") { () throws(Errno) in
            try systemCall { unsafe mkdirat(raw, name, 0o700) }
            return try claimMade(name, in: raw, (mode, owner, group))
        }
        let trust = DirectoryTrust(owners: [effectiveUserID()], groups: [])
        return Directory(made, path: path(of: name), trust: trust)
    }

    /// Makes the name a symbolic link with that target, in place of another link.
    private func link(_ name: String, to target: String) throws(PathError) {
        if let facts = try facts(of: name) {
            guard facts.kind == .symbolicLink else {
                throw PathError(
                    path(of: name),
                    "is \(facts.kind.rawValue), not a link of a credential directory",
                    hint: "remove it, or choose another path"
                )
            }
            let present = try about(path(of: name), "cannot be read") { () throws(Errno) in
                try linkTarget(name, in: raw)
            }
            if present == target { return }
        }
        let temporary = Self.prefix + randomDigits()
        try about(path(of: name), "cannot be linked") { () throws(Errno) in
            try systemCall { unsafe symlinkat(target, raw, temporary) }
            try systemCall { unsafe wif_rename(raw, temporary, name) }
        }
    }

    private func presentGeneration() throws(PathError) -> String? {
        guard try facts(of: Self.current)?.kind == .symbolicLink else { return nil }
        return try about(path(of: Self.current), "cannot be read") { () throws(Errno) in
            try linkTarget(Self.current, in: raw)
        }
    }

    /// Where there is more than the present generation and the one before it, processes were killed over
    /// others: without this, each in a row would leave one more.
    private func removeUnfinished(besides last: String?) throws(PathError) {
        let found = try names().filter { $0.hasPrefix(Self.prefix) && $0 != last }
        if found.count > 1 { try removeGenerations(but: [last]) }
    }

    /// Removes all other generations, and links that were left half done.
    private func removeGenerations(but kept: [String?]) throws(PathError) {
        for name in try names() where name.hasPrefix(Self.prefix) && !kept.contains(name) {
            guard try facts(of: name)?.kind == .directory else {
                try remove(name)
                continue
            }
            try removeDirectory(name)
        }
    }

    private func removeDirectory(_ name: String) throws(PathError) {
        let old = try about(path(of: name), "cannot be opened") { () throws(Errno) in
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
            return try systemCall { unsafe wif_openat(raw, name, flags, 0) }
        }
        let trust = DirectoryTrust(owners: [], groups: [])
        let directory = Directory(FileDescriptor(owning: old), path: path(of: name), trust: trust)
        for file in try directory.names() { try directory.remove(file) }
        try about(path(of: name), "cannot be removed") { () throws(Errno) in
            _ = try systemCall { unsafe unlinkat(raw, name, AT_REMOVEDIR) }
        }
    }
}
