import Agent
import Federation
import Kernel
import Text

/// What in the environment looks as if it were meant for this program, and is not read.
func environmentSteps(_ invocation: Invocation) -> [StepReport] {
    unknownVariables(invocation.environment) + unusableValues(invocation.environment)
        + configurationPath(invocation)
}

/// Variables of this program with values that it does not take.
private func unusableValues(_ environment: [String: String]) -> [StepReport] {
    let choices: [(name: String, values: [String])] = [
        ("WIF_AGENT_LOG_LEVEL", ["error", "warning", "info", "debug"]),
        ("WIF_AGENT_LOG_FORMAT", ["text", "json"]),
    ]
    return choices.compactMap { name, values in
        guard let value = environment[name], !value.isEmpty, !values.contains(value) else {
            return nil
        }
        let guess = nearest(to: value, among: values).map { "did you mean \($0)? " } ?? ""
        return .warning(
            .environment,
            "the variable \(name) is \(value.printable), which commands refuse",
            hint: "\(guess)write one of \(values.joined(separator: ", "))",
            about: name
        )
    }
}

private func unknownVariables(_ environment: [String: String]) -> [StepReport] {
    var known = Set(Command.all.flatMap(\.allOptions).map(\.variable))
    known.formUnion(["WIF_AGENT_FILE", "WIF_AGENT_EXPIRES_AT", "WIF_AGENT_ACCOUNT"])
    let unknown = environment.keys.filter { $0.hasPrefix("WIF_AGENT_") && !known.contains($0) }
    return unknown.sorted().map { name in
        let isProxy = name.hasSuffix("PROXY")
        let guess = isProxy ? nil : nearest(to: name, among: known.sorted())
        var step = StepReport.warning(
            .environment,
            "the variable \(name.printable) is not known, and ignored",
            hint: isProxy
                ? "write HTTPS_PROXY for \(name.printable), or \"proxy\" in the account file"
                : guess.map { "did you mean \($0)? rename it" }
                    ?? "unset it; wif-agent(1), Environment, lists every variable",
            about: name
        )
        step.explainsFailures = isProxy
        return step
    }
}

private func configurationPath(_ invocation: Invocation) -> [StepReport] {
    let name = AccountChoice.pathVariable
    if let chosen = AccountChoice.chosenByPath(invocation) {
        var step = StepReport.warning(
            .environment,
            "\(name) names \(chosen.path.printable), so that this account file is used, and not"
                + " \(chosen.others.joined(separator: ", ").printable)",
            hint:
                "unset \(name), if that file is not the one that is meant (ls -l \(chosen.path.printable)); or name the"
                + " one that is: -c \(chosen.others[0].printable)",
            about: name
        )
        step.explainsFailures = true
        return [step]
    }
    guard let unused = AccountChoice.unusedPath(invocation) else { return [] }
    return [.warning(.environment, unused.found, hint: unused.hint, about: name)]
}

extension AccountChoice {
    static let pathVariable = "MONDOO_CONFIG_PATH"

    /// The account file that `MONDOO_CONFIG_PATH` alone has commands use, and those of the usual folder that
    /// are not used for it; `nil` where another way names the file, or there are no others.
    static func chosenByPath(_ invocation: Invocation) -> (path: String, others: [String])? {
        guard invocation.all("config").isEmpty, invocation.words.isEmpty,
            let path = named(invocation).first
        else { return nil }
        do throws(AccountFiles.Problem) {
            let all = try AccountFiles.list(standardDirectory)
            let others = all.filter { $0 != path && !isSame($0, path) }
            return others.isEmpty || others.count < all.count ? nil : (path, others)
        } catch {
            return nil
        }
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        do throws(Errno) { return try realPath(one) == realPath(other) } catch { return false }
    }

    /// A failure, with the variable that has chosen the account file where one did.
    static func naming(_ failure: CommandFailure, _ invocation: Invocation) -> CommandFailure {
        guard let chosen = chosenByPath(invocation) else { return failure }
        var named = failure
        named.failure.message +=
            "; \(pathVariable) names the account file, \(chosen.path.printable)"
        named.failure.hint =
            "unset \(pathVariable), if that file is not the one that is meant, or name the one that is: -c"
            + " \(chosen.others[0].printable)"
            + (failure.failure.hint.map { "; else: \($0)" } ?? "")
        return named
    }

    /// What `MONDOO_CONFIG_PATH` names where it does not count: it does where that is an
    /// `external_account` file, and nothing else is named. `nil` where all is well.
    static func unusedPath(_ invocation: Invocation) -> (found: String, hint: String)? {
        guard invocation.all("config").isEmpty, invocation.words.isEmpty,
            let path = invocation.environment[pathVariable], !path.isEmpty,
            named(invocation).isEmpty
        else { return nil }
        let (found, hint) = content(of: absolute(path))
        return ("\(path.printable) \(found)", hint)
    }

    /// The same as the end of a message; empty where all is well.
    static func unusedPathNote(_ invocation: Invocation) -> String {
        unusedPath(invocation).map { "; \(pathVariable) is set, and \($0.found)" } ?? ""
    }
}

private func content(of path: String) -> (found: String, hint: String) {
    let hint = "name the account file with -c"
    let document: Secret
    do throws(ReadFileError) {
        document = try readFile(path, limit: Account.maximalSize)
    } catch {
        return ("\(error), and is not used", hint)
    }
    do throws(JSONError) {
        if try JSON(parsing: document.bytes)["private_key"] != nil {
            return ("is a service account, which needs no agent, and is not used", hint)
        }
    } catch {
        return ("is not JSON, and is not used", hint)
    }
    return ("is no external_account file, and is not used", hint)
}
