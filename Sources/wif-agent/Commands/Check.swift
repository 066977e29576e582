import Agent
import Federation
import Kernel
import Text

extension Command {
    static let check = Command(
        name: "check",
        arguments: "[FILE]...",
        summary: "validate account files, without the network",
        options: [
            config,
            Option(name: "config-dir", value: "DIR", help: "all .json files of a directory"),
        ],
        maximalWords: 256,
        run: { invocation in try checkCommand(invocation) }
    )
}

private func checkCommand(_ invocation: Invocation) throws -> Int32 {
    var paths = AccountChoice.named(invocation, takesWords: true)
    let directory = invocation.value("config-dir").map(AccountChoice.absolute)
    if directory != nil || paths.isEmpty {
        do throws(AccountFiles.Problem) {
            paths += try AccountFiles.list(directory ?? AccountChoice.standardDirectory)
        } catch {
            throw CommandFailure(error)
        }
    }
    guard !paths.isEmpty else {
        throw CommandFailure.noAccountFile(in: directory ?? AccountChoice.standardDirectory)
    }
    var code: Int32 = 0
    var names: Set<String> = []
    var summaries = ""
    var deliveries = SharedOutputs()
    let files = paths.map { path in
        AccountSet.File(
            path: path,
            content: Result { () throws(AccountFiles.Problem) in
                try AccountFiles.load(path, environment: invocation.environment)
            }
        )
    }
    // One file alone may use an account of another; of several the whole set is looked at.
    for (path, file) in zip(paths, files.count > 1 ? AccountSet.linked(files) : files) {
        do throws(AccountFiles.Problem) {
            let account = try file.content.get()
            if !names.insert(account.name).inserted {
                complain("\(path): the account \"\(account.name)\" is there already", hint: nil)
                code = 78
            }
            for shared in deliveries.add(account) {
                complain(shared.text, hint: shared.hint)
                code = 78
            }
            summaries += summary(account)
        } catch {
            let named = AccountChoice.naming(error, invocation)
            complain(named.failure.message, hint: named.failure.hint)
            code = code == 0 ? error.exitCode : code
        }
    }
    try show(summaries)
    return code
}

private func summary(_ account: Account) -> String {
    var text = "\(account.name): ok\n"
    text += "  service: \(account.service.name)\n"
    text += "  token source: \(account.tokenSource.name)\n"
    if let actor = account.actor { text += "  actor token: \(actor.source.name)\n" }
    if let issuer = account.issuer { text += "  issuer: \(issuer.printable)\n" }
    if !account.tokenAudience.isEmpty {
        text += "  token audience: \(account.tokenAudience.printable)\n"
    }
    for output in account.outputs(in: "RUNTIME_DIRECTORY") {
        text += "  output: \(output.word) \(output.path.printable)\n"
    }
    if !account.extensions.isEmpty {
        text +=
            "  keys of wif-agent's own, beyond \(account.service.kind.facts.title)'s pages:"
            + " \(account.extensions.joined(separator: ", "))\n"
    }
    for warning in account.warnings { text += "  warning: \(warning.text)\n" }
    return text
}
