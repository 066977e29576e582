package import Federation
package import Kernel
import Outputs
import Text

/// Keeps each account's present credential over a restart of the agent, in private files of one
/// directory, and adopts it again if nothing has changed since.
package struct CredentialKeeper: Sendable {
    /// What a kept state is written as. A version that writes it in a way that the one before cannot read
    /// counts up; states without a number are of the first.
    private static let format: JSON = .integer(1)

    private let directory: String
    private let boot: String
    private let adopts: Bool

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
        /// Why a state that is there is of no use; for people.
        package var problem: String?

        fileprivate init(problem: String) {
            self.problem = problem
        }
    }

    /// Writes the state down, atomically, mode 0600.
    /// - Throws: `OutputError`.
    package func keep(_ state: AccountLife.State) throws {
        var members = Self.members(of: state.account)
        members["format"] = Self.format
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
        let path = path(of: state.account)
        do throws(OutputError) {
            _ = try FileOutput(path: path, options: FileOptions()).write(Secret(bytes))
        } catch {
            // An older state would bring an older credential back. Where even this fails there is
            // nothing left to do; the first error counts.
            do throws(OutputError) {
                try FileOutput(path: path, options: FileOptions()).remove()
            } catch {}
            throw error
        }
    }

    private static func members(of account: Account) -> [String: JSON] {
        [
            "account": .string(account.document.text),
            "identity": .string(account.identity.text),
        ]
    }

    /// What was kept in the same boot, as ``AccountLife/State/adopted(by:adopts:at:)`` judges it.
    ///
    /// - Parameter environment: what may supply values that an account file leaves out.
    package func adopt(
        for account: Account,
        environment: [String: String] = [:],
        at now: BootInstant
    ) -> Kept {
        let json: JSON
        do throws(Unusable) {
            guard let found = try document(of: account) else { return Kept() }
            json = found
        } catch {
            return Kept(problem: "what an earlier run kept in \(error.path) \(error.reason)")
        }
        guard (json["format"] ?? Self.format) == Self.format else {
            return Kept(problem: "what a newer version of wif-agent kept is ignored")
        }
        guard let state = state(json, of: account, environment) else { return Kept() }
        return state.adopted(by: account, adopts: adopts, at: now)
    }

    /// What a document says; `nil` where it cannot be used.
    private func state(
        _ json: JSON,
        of account: Account,
        _ environment: [String: String]
    ) -> AccountLife.State? {
        guard let owner = Self.owner(json, account, environment) else { return nil }
        var queue = RevocationQueue()
        for entry in json["revocations"]?.array ?? [] {
            guard let owner = Self.owner(entry, account, environment),
                let credential = entry["credential"].flatMap(Credential.init(json:))
            else { continue }
            queue.add(credential, of: owner)
        }
        return AccountLife.State(
            account: owner,
            credential: json["credential"].flatMap(Credential.init(json:)),
            revocations: queue.entries
        )
    }

    /// The account under which a credential was issued. `nil` for what an older version wrote, and where the
    /// environment has changed, so that the credential would go to another service: it ends by itself.
    private static func owner(
        _ json: JSON,
        _ present: Account,
        _ environment: [String: String]
    ) -> Account? {
        guard let document = json["account"]?.string, let identity = json["identity"]?.string else {
            return nil
        }
        do throws(AccountError) {
            let account = try Account(
                parsing: Secret(document),
                path: present.path,
                environment: environment
            ).chained(like: present)
            return AccountIdentity(text: identity) == account.identity ? account : nil
        } catch {
            return nil
        }
    }

    private struct Unusable: Error {
        let path: String
        let reason: String
    }

    /// What was kept in this boot; `nil` where nothing was.
    private func document(of account: Account) throws(Unusable) -> JSON? {
        let path = path(of: account)
        let contents: Secret
        do throws(ReadFileError) {
            contents = try readFile(path, limit: 1 << 20, isPrivate: true)
        } catch {
            if case .system(.notFound) = error { return nil }
            throw Unusable(path: path.printable, reason: "\(error)")
        }
        var bytes = contents.bytes
        defer { wipe(&bytes) }
        do {
            let json = try JSON(parsing: bytes)
            return json["boot"]?.string == boot ? json : nil
        } catch {
            throw Unusable(path: path.printable, reason: "is not JSON")
        }
    }

    private func path(of account: Account) -> String {
        "\(directory)/\(account.name).json"
    }
}

extension AccountLife.State {
    /// The share of its lifetime that must be left for a credential to be adopted.
    private static let leastShare = 0.25

    /// What the next run makes of it. Contract: the credential is used on if it belongs to the same bytes of
    /// the account file and to the same identity, which the environment has a part in, and more than a quarter
    /// of its lifetime is left; else it is superseded.
    ///
    /// - Parameter adopts: whether credentials are used on at all.
    package func adopted(
        by account: Account,
        adopts: Bool,
        at now: BootInstant
    ) -> CredentialKeeper.Kept {
        var kept = CredentialKeeper.Kept()
        for entry in revocations where entry.credential.lives(at: now) {
            kept.superseded.append((entry.credential, entry.account))
        }
        guard let credential, credential.lives(at: now) else { return kept }
        let isSame =
            self.account.document.isEqual(to: account.document)
            && self.account.identity == account.identity
        let rest = credential.expiry.seconds(since: now)
        if adopts, isSame, rest > credential.lifetime * Self.leastShare {
            kept.credential = credential
        } else {
            kept.superseded.append((credential, self.account))
        }
        return kept
    }
}

extension Credential {
    fileprivate func lives(at now: BootInstant) -> Bool { receivedAt <= now && now < expiry }
}
