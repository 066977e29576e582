package import Federation
import Kernel
import Synchronization
import Text

/// A directory that always shows one generation of a credential in several formats.
///
/// Its calls block (they wait for the disk); one at a time is done.
package final class DirectoryOutput: Sendable {
    package let path: String
    private let options: FileOptions
    private let owner: UInt32?
    private let group: UInt32?
    /// The generations that are its own.
    private let known = Mutex(Generations())

    /// The files in it, and what each holds.
    static let formats: [(name: String, format: Format)] = [
        ("credential", .raw), ("credential.json", .json), ("credential.env", .envfile),
    ]
    private static let expiry = "expires_at"

    /// Opens the directory (made where missing) and refuses what is no place for a secret.
    /// - Throws: ``OutputError``.
    package init(path: String, options: FileOptions) throws(OutputError) {
        self.path = path
        self.options = options
        (owner, group) = try resolved(options.owner, options.group, for: path)
        _ = try open(creating: true)
    }

    /// Puts the credential in place of the last one, in all formats at the same moment.
    /// - Throws: ``OutputError``; the last one is then still in place.
    package func write(
        _ credential: Credential,
        for account: Account
    ) throws(OutputError) -> Rendered {
        let (files, warnings) = try files(of: credential, for: account)
        let directory = try open(creating: true)
        do throws(PathError) {
            try known.withLock { (known) throws(PathError) in
                try directory.replaceSet(files, rights, &known)
            }
        } catch {
            throw OutputError(path, error)
        }
        return Rendered(bytes: Secret(""), warnings: warnings)
    }

    /// Whether the directory still holds the credential as it was written.
    func holds(_ credential: Credential, for account: Account) -> Bool {
        do {
            let (files, _) = try files(of: credential, for: account)
            let directory = try open(creating: false)
            return try known.withLock { try directory.holdsSet(files, rights, $0) }
        } catch {
            return false
        }
    }

    /// The names that it makes.
    static var names: [String] { formats.map(\.name) + [expiry] }

    /// Where a change of what it holds shows.
    var watched: [(path: String, interest: PathWatch.Interest)] {
        [(path, .names), ("\(path)/\(Directory.presentLink)", .names)]
    }

    /// Where a change of what is in its way shows, without what its own attempts do.
    var watchedInTheWay: [(path: String, interest: PathWatch.Interest)] {
        [(path, .file)] + (Self.names + [Directory.presentLink]).map { ("\(path)/\($0)", .file) }
    }

    private var rights: GenerationRights {
        GenerationRights(
            mode: options.mode,
            directoryMode: directoryMode,
            owner: owner,
            group: group
        )
    }

    private func files(
        of credential: Credential,
        for account: Account
    ) throws(OutputError) -> ([Directory.NamedContents], warnings: [String]) {
        var files: [Directory.NamedContents] = []
        var warnings: [String] = []
        for (name, format) in Self.formats {
            let rendered = try format.rendered(credential, for: account)
            files.append((name, rendered.bytes))
            warnings += rendered.warnings
        }
        files.append((Self.expiry, Secret(rfc3339(credential.expiresAt) + "\n")))
        return (files, warnings)
    }

    /// Removes the files; the directory stays.
    /// - Throws: ``OutputError``.
    package func remove() throws(OutputError) {
        do throws(OutputError) {
            let directory = try open(creating: false)
            do throws(PathError) {
                try known.withLock { (known) throws(PathError) in
                    try directory.removeSet(Self.names, owner: owner, &known)
                }
            } catch {
                throw OutputError(path, error)
            }
        } catch {
            if error.reason != .notFound { throw error }
        }
    }

    /// Whoever may read a file may look it up.
    private var directoryMode: UInt32 {
        0o700 | (options.mode & 0o040 == 0 ? 0 : 0o050) | (options.mode & 0o004 == 0 ? 0 : 0o005)
    }

    private func open(creating: Bool) throws(OutputError) -> Directory {
        let mode = group == nil ? directoryMode : directoryMode | 0o050
        do throws(PathError) {
            return try Directory.open(
                path,
                trust: .of(owner: owner, group: group, shared: options.sharedDirectory(of: path)),
                creating: creating
                    ? FileRights(mode: mode, owner: owner, group: group) : nil
            )
        } catch {
            throw OutputError(path, error)
        }
    }
}

extension FileOptions {
    /// The directory on the path that others may write to, if the output says that one may be such.
    func sharedDirectory(of path: String) -> String? {
        isDirectoryShared ? splitPath(path).directory : nil
    }
}
