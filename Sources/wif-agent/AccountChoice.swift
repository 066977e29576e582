import Agent
import Federation
import Kernel
import Text

/// Which account files a command line means.
enum AccountChoice {
    static let standardDirectory = "/etc/wif-agent"

    /// Whether a file is one that the packaged services read.
    static func isStandard(_ path: String) -> Bool { path.hasPrefix(standardDirectory + "/") }

    /// The files named by `-c`, `WIF_AGENT_CONFIG` or `MONDOO_CONFIG_PATH`, absolute; empty where
    /// none of them names one.
    ///
    /// - Parameter takesWords: whether the command's words are files, too.
    static func named(_ invocation: Invocation, takesWords: Bool = false) -> [String] {
        let given = invocation.all("config") + (takesWords ? invocation.words : [])
        if !given.isEmpty { return given.map(absolute) }
        guard let path = invocation.environment["MONDOO_CONFIG_PATH"], isExternalAccount(path)
        else {
            return []
        }
        return [absolute(path)]
    }

    /// The one file that a command works on.
    /// - Throws: ``UsageError`` where there are none or several; ``CommandFailure`` where the
    ///   standard directory cannot be read.
    static func only(_ invocation: Invocation) throws -> String {
        let named = named(invocation)
        guard named.count <= 1 else { throw UsageError(message: "-c is given more than once") }
        if let path = named.first { return path }
        let found: [String]
        do throws(AccountFiles.Problem) {
            found = try AccountFiles.list(standardDirectory)
        } catch {
            throw UsageError(
                message: "no account file is named and \(standardDirectory) cannot be read"
                    + unusedPathNote(invocation),
                hint: "name one with -c FILE"
            )
        }
        guard let path = found.first, found.count == 1 else {
            throw UsageError(
                message: "\(standardDirectory) holds \(found.count) account files"
                    + unusedPathNote(invocation),
                hint: "name one with -c FILE"
            )
        }
        return path
    }

    /// Whether no account file is named and the standard directory holds none.
    static func isAbsent(_ invocation: Invocation) -> Bool {
        guard named(invocation).isEmpty else { return false }
        do throws(AccountFiles.Problem) {
            return try AccountFiles.list(standardDirectory).isEmpty
        } catch {
            return true
        }
    }

    /// The account of that one file.
    /// - Throws: ``UsageError`` or ``CommandFailure``.
    static func load(_ invocation: Invocation) throws -> Account {
        if isAbsent(invocation), let account = try implied(invocation) { return account }
        let path = try only(invocation)
        do throws(AccountFiles.Problem) {
            let account = try AccountFiles.load(path, environment: invocation.environment)
            for warning in account.warnings { writeToStandardError("warning: \(warning.text)\n") }
            return account
        } catch {
            throw CommandFailure(naming(error, invocation))
        }
    }

    /// The problem, with the variable that names the file where one does.
    static func naming(
        _ problem: AccountFiles.Problem,
        _ invocation: Invocation
    ) -> AccountFiles.Problem {
        guard problem.isUnreadable, invocation.words.isEmpty,
            let variable = invocation.variable(of: "config")
        else { return problem }
        var failure = problem.failure
        failure.hint =
            "\(variable) names the file: correct or unset it"
            + (failure.hint.map { "; \($0)" } ?? "")
        return AccountFiles.Problem(path: problem.path, failure: failure, isUnreadable: true)
    }

    /// The account that the variables alone describe.
    private static func implied(_ invocation: Invocation) throws -> Account? {
        do throws(AccountError) {
            return try Account.implied(by: invocation.environment)
        } catch {
            throw CommandFailure(error.failure)
        }
    }

    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : currentDirectory() + "/" + path
    }

    private static func isExternalAccount(_ path: String) -> Bool {
        do {
            let document = try readFile(path, limit: Account.maximalSize)
            return try JSON(parsing: document.bytes)["type"]?.string == "external_account"
        } catch {
            return false
        }
    }
}
