package import Federation
import Text

/// Which accounts there are, as a value: what follows from the account files as they are now. Without
/// effects; `Roster` does what it says.
package struct AccountSet: Sendable {
    /// A file, and what it holds.
    package struct File: Sendable {
        package let path: String
        package let content: Result<Account, AccountFiles.Problem>

        package init(path: String, content: Result<Account, AccountFiles.Problem>) {
            self.path = path
            self.content = content
        }
    }

    /// What is to be done about an account, or told.
    package enum Step: Sendable {
        case start(Account)
        /// The account runs; its file may hold another version now.
        case change(Account)
        /// The account runs, and its file is of no use any more.
        case hold(name: String)
        case stop(name: String)
        case tellRejection(AccountFiles.Problem)
        /// The file was rejected before, and is not any more.
        case tellResolution(path: String)
    }

    package init() {}

    /// By name: the path of each account that runs.
    package private(set) var running: [String: String] = [:]
    /// By path.
    package private(set) var rejections: [String: AccountFiles.Problem] = [:]

    /// What to do about the files, in order.
    ///
    /// Contract: a file that no longer parses is reported and its last good version stays in force; of two
    /// files with the same name the second is rejected; an account whose file is gone ends.
    package mutating func reload(_ files: [File]) -> [Step] {
        let before = rejections
        rejections = [:]
        var steps: [Step] = []
        var seen: Set<String> = []
        for file in Self.linked(files) {
            switch file.content {
            case .success(let account) where seen.insert(account.name).inserted:
                let isKnown = running[account.name] != nil
                running[account.name] = file.path
                steps.append(isKnown ? .change(account) : .start(account))
            case .success(let account): steps += reject(.duplicate(of: account))
            case .failure(let problem):
                steps += reject(problem)
                for (name, path) in running where path == file.path && seen.insert(name).inserted {
                    steps.append(.hold(name: name))
                }
            }
        }
        for name in running.keys.sorted() where !seen.contains(name) {
            running[name] = nil
            steps.append(.stop(name: name))
        }
        for path in before.keys.sorted() where rejections[path] == nil {
            steps.append(.tellResolution(path: path))
        }
        return steps
    }

    /// The files are not known: what runs goes on.
    mutating func reject(_ problem: AccountFiles.Problem) -> [Step] {
        rejections[problem.path] = problem
        return [.tellRejection(problem)]
    }

    /// A version that was to start or to change cannot: what ran goes on.
    mutating func fail(_ account: Account, _ failure: Failure, isRunning: Bool) -> [Step] {
        if !isRunning { running[account.name] = nil }
        return reject(
            AccountFiles.Problem(path: account.path, failure: failure, isUnreadable: false)
        )
    }
}

extension AccountFiles.Problem {
    fileprivate static func duplicate(of account: Account) -> AccountFiles.Problem {
        let failure = Failure(
            .misconfigured,
            at: .account,
            "account file \(account.path.printable): the account \"\(account.name)\" is there already",
            hint: "an account's name is its file's base name; rename one of the files"
        )
        return AccountFiles.Problem(path: account.path, failure: failure, isUnreadable: false)
    }
}
