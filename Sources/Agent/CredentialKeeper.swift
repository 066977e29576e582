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
        do {
            guard try onDisk || isMemoryFileSystem(Self.nearestDirectory(above: directory)) else {
                return nil
            }
            boot = try bootID()
        } catch {
            return nil
        }
        self.directory = directory
        self.adopts = adopts
    }

    /// Where a directory would be made: the first of those above it that is there already.
    private static func nearestDirectory(above path: String) throws(Errno) -> String {
        var parts = path.split(separator: "/").dropLast()
        while !parts.isEmpty {
            let parent = "/" + parts.joined(separator: "/")
            do throws(Errno) {
                _ = try FileFacts(at: parent)
                return parent
            } catch {
                guard error == .notFound else { throw error }
            }
            parts = parts.dropLast()
        }
        return "/"
    }

    /// What an earlier run left.
    package struct Kept: Sendable {
        package init() {}

        /// The credential, if it is to be used on.
        package var credential: Credential?
        /// Credentials that still live at their service and are not to be used, and whose they are.
        package var superseded: [(credential: Credential, account: Account)] = []
    }

    /// Writes the state down, atomically, mode 0600.
    /// - Throws: `OutputError`.
    package func keep(_ state: AccountLife.State) throws {
        var members = Self.members(of: state.account)
        members["boot"] = .string(boot)
        members["credential"] = state.credential?.json
        members["revocations"] = .array(
            state.revocations.map { entry in
                var members = Self.members(of: entry.account)
                members["credential"] = entry.credential.json
                return .object(members)
            }
        )
        var bytes = JSON.object(members).serialized()
        defer { wipe(&bytes) }
        let file = try FileOutput(path: path(of: state.account), options: FileOptions())
        _ = try file.write(Secret(bytes))
    }

    private static func members(of account: Account) -> [String: JSON] {
        [
            "account": .string(account.document.text),
            "identity": .string(account.identity.text),
        ]
    }

    /// What was kept in the same boot. The credential is used on if it belongs to the same bytes of the
    /// account file and the same identity, which the environment has a part in, and has more than a quarter
    /// of its lifetime left; else it is superseded.
    ///
    /// - Parameter environment: what may supply values that an account file leaves out.
    package func adopt(
        for account: Account,
        environment: [String: String] = [:],
        at now: BootInstant
    ) -> Kept {
        var kept = Kept()
        guard let json = document(of: account) else { return kept }
        for entry in json["revocations"]?.array ?? [] {
            kept.add(entry, account.path, environment, at: now)
        }
        guard let credential = json["credential"].flatMap(Credential.init(json:)),
            credential.receivedAt <= now
        else { return kept }
        let rest = credential.expiry.seconds(since: now)
        let isSame =
            json["account"]?.string.map { Secret($0).isEqual(to: account.document) } == true
            && json["identity"]?.string.map(AccountIdentity.init(text:)) == account.identity
        if adopts, isSame, rest > credential.lifetime * Self.leastShare {
            kept.credential = credential
        } else {
            kept.add(json, account.path, environment, at: now)
        }
        return kept
    }

    /// The account's file of this boot; `nil` where there is none.
    private func document(of account: Account) -> JSON? {
        do {
            let contents = try readFile(path(of: account), limit: 1 << 20, isPrivate: true)
            var bytes = contents.bytes
            defer { wipe(&bytes) }
            let json = try JSON(parsing: bytes)
            return json["boot"]?.string == boot ? json : nil
        } catch {
            return nil
        }
    }

    private func path(of account: Account) -> String {
        "\(directory)/\(account.name).json"
    }
}

extension CredentialKeeper.Kept {
    /// Adds a credential that lives still, with the account file under which it was issued.
    fileprivate mutating func add(
        _ json: JSON,
        _ path: String,
        _ environment: [String: String],
        at now: BootInstant
    ) {
        guard let document = json["account"]?.string,
            let credential = json["credential"].flatMap(Credential.init(json:)),
            credential.receivedAt <= now, now < credential.expiry
        else { return }
        do throws(AccountError) {
            let account = try Account(
                parsing: Secret(document),
                path: path,
                environment: environment
            )
            // Where the environment has changed the credential would go to another service.
            guard json["identity"]?.string.map(AccountIdentity.init(text:)) == account.identity
            else { return }
            superseded.append((credential, account))
        } catch {
            // An older version's file: its credential ends by itself.
        }
    }
}
