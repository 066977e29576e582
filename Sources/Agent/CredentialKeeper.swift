package import Federation
internal import FoundationEssentials
internal import Outputs
package import Platform

/// Keeps each account's present credential over a restart of the agent, in private files of one
/// directory, and adopts it again if nothing has changed since.
package struct CredentialKeeper: Sendable {
    private let directory: String
    private let boot: String
    private let adopts: Bool

    /// The share of its lifetime that must be left for a credential to be adopted.
    private static let leastShare = 0.25

    /// - Parameters:
    ///   - directory: made with mode 0700 where it is missing.
    ///   - onDisk: whether a directory on a disk is accepted, since somebody asked for it.
    ///   - adopts: whether kept credentials are taken over, too.
    /// - Returns: `nil` where nothing is kept: the directory would be on a disk.
    package init?(directory: String, onDisk: Bool, adopts: Bool) {
        let parent = directory.split(separator: "/").dropLast().joined(separator: "/")
        do {
            guard try onDisk || isMemoryFileSystem("/" + parent) else { return nil }
            boot = try bootID()
        } catch {
            return nil
        }
        self.directory = directory
        self.adopts = adopts
    }

    /// Writes the credential down, atomically, mode 0600.
    /// - Throws: `OutputError`.
    package func keep(_ credential: Credential, for account: Account) throws {
        let document = JSON.object([
            "boot": .string(boot), "account": .string(account.document.text),
            "credential": credential.json,
        ])
        var bytes = document.serialized()
        defer { wipe(&bytes) }
        let file = try FileOutput(path: path(of: account), options: FileOptions())
        _ = try file.write(Secret(bytes))
    }

    /// The kept credential of the same boot and the same bytes of the account file, with more than a
    /// quarter of its lifetime left; `nil` where there is none.
    package func adopt(for account: Account, at now: BootInstant) -> Credential? {
        guard adopts else { return nil }
        do {
            let contents = try readFile(path(of: account), limit: 1 << 20, isPrivate: true)
            var bytes = contents.bytes
            defer { wipe(&bytes) }
            let json = try JSON(parsing: bytes)
            guard json["boot"]?.string == boot, let document = json["account"]?.string,
                Secret(document).isEqual(to: account.document),
                let credential = json["credential"].flatMap(Credential.init(json:)),
                credential.receivedAt <= now
            else { return nil }
            let rest = credential.expiry.seconds(since: now)
            return rest > credential.lifetime * Self.leastShare ? credential : nil
        } catch {
            return nil
        }
    }

    private func path(of account: Account) -> String {
        "\(directory)/\(account.name).json"
    }
}
