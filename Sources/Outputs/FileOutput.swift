package import Federation
package import Kernel
import Synchronization
import Text

/// A file that always holds the newest credential, whole.
///
/// Its calls block (they wait for the disk); one at a time is done.
package final class FileOutput: Sendable {
    package let path: String
    package let options: FileOptions
    private let name: String
    private let owner: UInt32?
    private let group: UInt32?
    /// Open across refreshes, until the path leads elsewhere.
    private let directory: Mutex<Directory?>
    /// The file as it was written last.
    private let written = Mutex<FileFacts?>(nil)

    /// Opens the directory (made where missing) and refuses what is no place for a secret.
    /// - Throws: ``OutputError``.
    package init(path: String, options: FileOptions) throws(OutputError) {
        self.path = path
        self.options = options
        (owner, group) = try resolved(options.owner, options.group, for: path)
        (_, name) = try parts(of: path)
        directory = Mutex(nil)
        try attempt { directory throws(PathError) in try directory.checkTarget(name) }
    }

    /// Replaces the file's contents.
    /// - Returns: the facts of the file as it is now on disk.
    /// - Throws: ``OutputError``; the old file is then still in place.
    package func write(_ contents: Secret) throws(OutputError) -> FileFacts {
        let facts = try attempt { directory throws(PathError) in
            try directory.replace(name, with: contents, rights(group))
        }
        written.withLock { $0 = facts }
        return facts
    }

    /// Whether the file is still as it was written: in its place, with these bytes and its rights.
    func holds(_ contents: Secret) -> Bool {
        let group = written.withLock { $0?.group }
        do throws(OutputError) {
            return try attempt(creating: false) { directory throws(PathError) in
                try directory.holds(name, contents, rights(group))
            }
        } catch {
            return false
        }
    }

    private func rights(_ group: UInt32?) -> FileRights {
        FileRights(mode: options.mode, owner: owner, group: group)
    }

    /// Where a change of it shows.
    var watched: [(path: String, interest: PathWatch.Interest)] {
        [(path, .file), (splitPath(path).directory, .file)]
    }

    /// Removes the file; a target that is no regular file is left alone, and nothing is done where
    /// there is none.
    /// - Throws: ``OutputError``.
    package func remove() throws(OutputError) {
        do throws(OutputError) {
            try removeFile()
        } catch {
            if error.reason != .notFound { throw error }
        }
    }

    private func removeFile() throws(OutputError) {
        try attempt(creating: false) { directory throws(PathError) in
            guard try directory.facts(of: name)?.kind == .regular else { return }
            try directory.remove(name)
            try directory.sync()
        }
    }

    private func attempt<Value: Sendable>(
        creating: Bool = true,
        _ work: (Directory) throws(PathError) -> Value
    ) throws(OutputError) -> Value {
        do throws(PathError) {
            return try directory.withLock { (directory) throws(PathError) in
                let opened = try open(directory, creating: creating)
                // Until it has worked: whatever was left half done goes when it is opened anew.
                directory = nil
                let value = try work(opened)
                directory = opened
                return value
            }
        } catch {
            throw OutputError(path, error)
        }
    }

    private func open(
        _ current: Directory?,
        creating: Bool
    ) throws(PathError) -> Directory {
        if let directory = current, directory.isCurrent {
            try directory.recheck()
            return directory
        }
        let mode: UInt32 = group == nil ? 0o700 : 0o750
        let creation = FileRights(mode: mode, owner: owner, group: group)
        let directory = try Directory.open(
            splitPath(path).directory,
            trust: .of(owner: owner, group: group, shared: options.sharedDirectory(of: path)),
            creating: creating ? creation : nil
        )
        try directory.removeStale(of: name)
        return directory
    }
}

extension DirectoryTrust {
    /// Root, the agent and the output's owner; the output's group.
    static func of(owner: UInt32?, group: UInt32?, shared: String? = nil) -> DirectoryTrust {
        DirectoryTrust(
            owners: [effectiveUserID(), owner ?? effectiveUserID()],
            groups: group.map { [$0] } ?? [],
            shared: shared
        )
    }
}

/// The ids of an output's owner and group.
func resolved(
    _ owner: String?,
    _ group: String?,
    for path: String
) throws(OutputError) -> (owner: UInt32?, group: UInt32?) {
    (
        try owner.map { (name) throws(OutputError) in try knownUser(name, for: path) },
        try group.map { (name) throws(OutputError) in try knownGroup(name, for: path) }
    )
}

func knownUser(_ name: String, for path: String) throws(OutputError) -> UInt32 {
    guard let id = userID(of: name) else {
        throw OutputError(path, "no user \"\(name)\"", hint: nameHint(name, in: "/etc/passwd"))
    }
    return id
}

func knownGroup(_ name: String, for path: String) throws(OutputError) -> UInt32 {
    guard let id = groupID(of: name) else {
        throw OutputError(path, "no group \"\(name)\"", hint: nameHint(name, in: "/etc/group"))
    }
    return id
}

/// What to write for a name that the system does not know.
private func nameHint(_ name: String, in database: String) -> String {
    if let colon = name.firstIndex(of: ":") {
        let (owner, group) = (name[..<colon], name[name.index(after: colon)...])
        return "write \"owner\": \"\(owner)\", \"group\": \"\(group)\", each by itself"
    }
    // The hint is good without them.
    let lines = (readText(ifAt: database) ?? "").split(separator: "\n")
    let names = lines.map { String($0.prefix { $0 != ":" }) }
    let guess = nearest(to: name, among: names).map { "did you mean \($0)? " } ?? ""
    return guess
        + (database == "/etc/group"
            ? "getent group lists the groups; groupadd --system \(name) makes it"
            : "getent passwd lists the users; useradd --system \(name) makes it")
}

/// The directory and the name of an output's path.
func parts(of path: String) throws(OutputError) -> (directory: String, name: String) {
    let (directory, name) = splitPath(path)
    guard path.hasPrefix("/") else {
        throw OutputError(path, "is not an absolute path", hint: "begin it with /")
    }
    guard !name.isEmpty, name != ".", name != ".." else {
        throw OutputError(path, "names a directory", hint: "end it with a file's name")
    }
    return (directory, name)
}
