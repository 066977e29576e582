package import Federation
import Kernel

/// What no output may take the place of: account files, directories whose `.json` files become accounts,
/// programs.
package struct ProtectedPlaces: Sendable {
    /// Where an agent finds its accounts unless it is told otherwise.
    package static let accountDirectory = "/etc/wif-agent"

    /// Places found together, by what they are and not how their paths are written.
    private struct Table {
        let files: [Place: String]
        let directories: [String]
    }

    private let tables: [Table]

    private var directories: some Sequence<String> { tables.lazy.flatMap(\.directories) }

    private init(_ tables: [Table]) { self.tables = tables }

    /// Looks at the files as they are now: where they stand, and where links lead.
    ///
    /// - Parameters:
    ///   - accountFiles: absolute paths.
    ///   - directories: those whose `.json` files are accounts.
    package init(accountFiles: [String], directories: [String]) {
        var files: [Place: String] = [:]
        for file in accountFiles {
            for place in [file, resolved(file)].compactMap({ $0.flatMap(Place.init(of:)) })
            where files[place] == nil { files[place] = file }
        }
        self.init([Table(files: files, directories: directories)])
    }

    /// What the account itself names: its file, the programs that it has run, and this program.
    package init(of account: Account) {
        var files = [account.path]
        for case .executable(let source) in account.sources.values {
            files += source.command.prefix(1)
        }
        for case .command(let command, _) in account.hooks { files += command.prefix(1) }
        for case .signal(_, let pidFile) in account.hooks { files.append(pidFile) }
        files += account.sources.values.compactMap { $0.rotatingFile?.path }
        if let path = account.caFile { files.append(path) }
        let own = Self.ownProgram
        files += own.map { [$0] } ?? []
        files += workerPrograms(besides: own.map { splitPath($0).directory })
        self.init(
            accountFiles: files.filter { $0.hasPrefix("/") },
            directories: [Self.accountDirectory]
        )
    }

    /// Refuses an output whose path is one in a directory of accounts, also where that is yet to be made.
    fileprivate func checkName(of output: Output) throws(OutputError) {
        guard output.path.hasSuffix(".json"), !splitPath(output.path).name.hasPrefix("."),
            let accounts = directories.first(where: { splitPath(output.path).directory == $0 })
        else { return }
        if case .directory = output.kind { return }
        throw OutputError(
            output.path,
            "would be read as an account file: \(accounts) is for these",
            hint: "choose another directory for the output, such as one below /run"
        )
    }

    /// These and those.
    package func adding(_ others: ProtectedPlaces) -> ProtectedPlaces {
        ProtectedPlaces(tables + others.tables)
    }

    private static var ownProgram: String? {
        do throws(Errno) { return try realPath("/proc/self/exe") } catch { return nil }
    }

    /// Which of the files a name in a directory is, through links as well.
    fileprivate func file(at place: Place) -> String? {
        tables.lazy.compactMap { $0.files[place] }.first
    }

    /// Which of the directories that is.
    fileprivate func directory(_ directory: FileFacts) -> String? {
        directories.first { FileFacts(ifAt: $0)?.isSameFile(as: directory) == true }
    }
}

/// A name in a directory that is there, however its path is written.
private struct Place: Hashable {
    let device: UInt64
    let directory: UInt64
    let name: String

    init(directory: FileFacts, name: String) {
        (device, self.directory) = (directory.device, directory.inode)
        self.name = name
    }

    init?(of path: String) {
        let (parent, name) = splitPath(path)
        guard let directory = FileFacts(ifAt: parent) else { return nil }
        self.init(directory: directory, name: name)
    }
}

private func resolved(_ path: String) -> String? {
    do throws(Errno) { return try realPath(path) } catch { return nil }
}

extension Output {
    /// Refuses an output that would take the place of an account file or program, would be read as an
    /// account file, or stands among the kernel's own interfaces (`/proc`, `/sys`).
    /// - Throws: ``OutputError``.
    package func check(against protected: ProtectedPlaces) throws(OutputError) {
        guard secret == nil else { return }
        var (parent, names) = (path, DirectoryOutput.names)
        if case .directory = kind {
        } else {
            let (directory, name) = try parts(of: path)
            (parent, names) = (directory, [name])
        }
        try checkFileSystem(parent)
        // Nothing stands in a directory that is yet to be made.
        guard let directory = FileFacts(ifAt: parent) else {
            return try protected.checkName(of: self)
        }
        for name in names {
            if let file = protected.file(at: Place(directory: directory, name: name)) {
                throw OutputError(
                    path,
                    "would take the place of \(file), which an account reads: its file, its token, a certificate or"
                        + " a program",
                    hint: "choose another path for the output, such as one below /run/wif-agent"
                )
            }
            guard name.hasSuffix(".json"), !name.hasPrefix("."),
                let accounts = protected.directory(directory)
            else { continue }
            throw OutputError(
                path,
                "would be read as an account file: \(accounts) is for these",
                hint: "choose another directory for the output, such as one below /run"
            )
        }
    }

    private func checkFileSystem(_ directory: String) throws(OutputError) {
        var place = directory
        while place != "/", FileFacts(ifAt: place) == nil { place = splitPath(place).directory }
        do throws(Errno) {
            guard try isKernelFileSystem(place) else { return }
        } catch {
            // What is wrong with it is told when it is opened.
            return
        }
        throw OutputError(
            path,
            "is among the kernel's own interfaces, where nothing can be delivered",
            hint: "choose a directory such as one below /run"
        )
    }
}
