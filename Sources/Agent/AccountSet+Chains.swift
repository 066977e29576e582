internal import Federation
internal import Kernel
internal import Text

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
            guard case .success(let account) = file.content, account.chainedAccount != nil else {
                return file
            }
            do throws(AccountError) {
                let linked = try link(account, among: accounts, after: [], forFile: file.path)
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

    private static func link(
        _ account: Account,
        among accounts: [String: Account],
        after trail: [String],
        forFile path: String
    ) throws(AccountError) -> Account {
        guard let name = account.chainedAccount else { return account }
        let place = "account file \(path.printable): credentialSource.account: "
        let trail = trail + [account.name]
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
            throw AccountError(
                "\(place)the credential of \(name.printable) is one of"
                    + " \(source.service.kind.facts.title)'s, and no token"
            )
        }
        return account.chained(
            to: try link(source, among: accounts, after: trail, forFile: path).identity
        )
    }
}
