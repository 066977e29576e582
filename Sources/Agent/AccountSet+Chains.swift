package import Federation
import Kernel
import Text

extension AccountSet {
    /// The files with each account that uses another's credential tied to that account's identity. One whose
    /// account is not there, whose chain leads back to itself, or whose account has no token to give is a
    /// problem of its file.
    package static func linked(_ files: [File]) -> [File] {
        var accounts: [String: Account] = [:]
        for case .success(let account) in files.map(\.content) where accounts[account.name] == nil {
            accounts[account.name] = account
        }
        return files.map { file in
            guard case .success(let account) = file.content, !account.chainedAccounts.isEmpty else {
                return file
            }
            do throws(AccountError) {
                let linked = try link(account, among: accounts)
                return File(path: file.path, content: .success(linked))
            } catch {
                let problem = AccountFiles.Problem(
                    path: file.path,
                    failure: error.failure,
                    isUnreadable: false
                )
                return File(path: file.path, content: .failure(problem))
            }
        }
    }

    /// How many accounts may lead to one: with two tokens each, what is to be looked at doubles with every one.
    private static let longestChain = 8

    /// - Parameters:
    ///   - trail: the accounts that lead to this one.
    ///   - place: the file and its key at which the trail began; `nil` at its beginning.
    private static func link(
        _ account: Account,
        among accounts: [String: Account],
        after trail: [String] = [],
        from place: String? = nil
    ) throws(AccountError) -> Account {
        var linked = account
        for role in TokenRole.allCases {
            guard let name = account.chainedAccounts[role] else { continue }
            let place = place ?? "account file \(account.path.printable): \(role.key).account: "
            let trail = trail + [account.name]
            let source = try source(name, among: accounts, after: trail, from: place)
            linked = linked.chained(to: source.identity, as: role)
        }
        return linked
    }

    /// The account of that name, itself linked, from which another has a token.
    private static func source(
        _ name: String,
        among accounts: [String: Account],
        after trail: [String],
        from place: String
    ) throws(AccountError) -> Account {
        guard trail.count <= longestChain else {
            throw AccountError(
                "\(place)leads through more than \(longestChain) accounts",
                hint: "shorten the chain"
            )
        }
        guard !trail.contains(name) else {
            let way = (trail + [name]).joined(separator: ", ")
            throw AccountError(
                "\(place)leads in a circle: \(way)",
                hint: "one of them must have a token source of its own"
            )
        }
        guard let source = accounts[name] else {
            throw AccountError(
                "\(place)there is no usable account \"\(name.printable)\" beside this one",
                hint: accounts.isEmpty
                    ? nil : "there are \(accounts.keys.sorted().joined(separator: ", "))"
            )
        }
        guard source.service.kind.facts.givesTokens else {
            let error = source.notAToken
            throw AccountError(place + error.message, hint: error.hint)
        }
        return try link(source, among: accounts, after: trail, from: place)
    }
}

extension Account {
    /// That its credential is none which another account could use as its token.
    package var notAToken: AccountError {
        AccountError(
            "the credential of \(name.printable) is one of \(service.kind.facts.title)'s, and no token",
            hint:
                "name an account in credentialSource.account whose service gives tokens, or one of the"
                + " service token"
        )
    }
}
