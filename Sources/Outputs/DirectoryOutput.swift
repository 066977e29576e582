package import Federation
internal import Platform

/// A directory that always shows one generation of a credential in several formats.
///
/// Its calls block (they wait for the disk); one at a time is done.
package final class DirectoryOutput: Sendable {
    package let path: String
    private let options: FileOptions
    private let owner: UInt32?
    private let group: UInt32?

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
        var files: [(name: String, contents: Secret)] = []
        var warnings: [String] = []
        for (name, format) in Self.formats {
            let rendered = try render(
                credential,
                as: format,
                variable: account.variable,
                account: account
            )
            files.append((name, rendered.bytes))
            warnings += rendered.warnings
        }
        files.append((Self.expiry, Secret(rfc3339(credential.expiresAt) + "\n")))
        let directory = try open(creating: true)
        do throws(PathError) {
            try directory.replaceSet(
                files,
                mode: options.mode,
                directoryMode: directoryMode,
                owner: owner,
                group: group
            )
        } catch {
            throw OutputError(path, error)
        }
        return Rendered(bytes: Secret(""), warnings: warnings)
    }

    /// Removes the files; the directory stays.
    /// - Throws: ``OutputError``.
    package func remove() throws(OutputError) {
        do throws(OutputError) {
            let directory = try open(creating: false)
            do throws(PathError) {
                try directory.removeSet(Self.formats.map(\.name) + [Self.expiry])
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
                    ? Directory.Creation(mode: mode, owner: owner, group: group) : nil
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
