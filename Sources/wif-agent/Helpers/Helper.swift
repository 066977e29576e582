import Agent
import Federation
import Kernel
import Text

extension Command {
    static let helper = Command(
        name: "helper",
        arguments: HelperProtocol.allCases.map(\.rawValue).joined(separator: "|") + " [ACTION]",
        summary: "answer another program that asks its credential helper",
        details: """
            The credential is the running agent's where it serves the account file, else that of an
            exchange of its own. It is given to the hosts of --host alone, without any to those that the
            account file names. google is answered with the subject token, for the audience it asks for.
            Also by another name: as git-credential-wif-agent it is helper git, and so for the others.
            """,
        options: [
            config,
            Option(
                name: "host",
                value: "HOST",
                help: "who may have the credential: NAME, *.NAME, NAME:PORT; repeatable"
            ),
            Option(
                name: "username",
                value: "NAME",
                help: "for git (x-access-token) and docker (oauth2accesstoken)"
            ),
        ] + worker,
        maximalWords: 2,
        choices: HelperProtocol.allCases.map(\.rawValue),
        run: { invocation in try await helperCommand(invocation) }
    )

    /// What the program's arguments are, called by one of its names: `docker-credential-wif-agent get` is
    /// `wif-agent helper docker get`.
    static func arguments(calledAs name: String, _ rest: [String]) -> [String] {
        let suffix = "-credential-wif-agent"
        let program = String(splitPath(name).name)
        guard program.hasSuffix(suffix) else { return rest }
        return ["helper", String(program.dropLast(suffix.count))] + rest
    }
}

private func helperCommand(_ invocation: Invocation) async throws -> Int32 {
    let start = BootInstant.now
    let names = HelperProtocol.allCases.map(\.rawValue)
    guard let name = invocation.words.first else {
        throw UsageError(message: "a helper is missing: one of \(names.joined(separator: ", "))")
    }
    guard let helper = HelperProtocol(rawValue: name) else {
        throw UsageError(
            message:
                "\"\(name.printable)\" is not a helper: one of \(names.joined(separator: ", "))",
            hint: nearest(to: name, among: names).map { "did you mean \($0)?" }
        )
    }
    let facts = helper.facts
    let action = invocation.words.dropFirst().first ?? ""
    // git wants operations that a helper does not know to be ignored. gitcredentials(7)
    let ignoresUnknown = helper == .git && !action.isEmpty
    guard
        facts.actions.contains(action) || (facts.actions.isEmpty && action.isEmpty)
            || ignoresUnknown
    else {
        let expected =
            facts.actions.isEmpty
            ? "nothing more is expected" : "one of \(facts.actions.joined(separator: ", "))"
        throw UsageError(message: "helper \(name) \(action.printable): \(expected)")
    }
    let call = HelperCall(helper: helper, action: action, invocation: invocation, start: start)
    do {
        let answer = try await facts.answer(call)
        try emit(answer.output)
        return answer.status
    } catch let error as CommandFailure {
        try emit(facts.refusal(error.failure.message))
        throw error
    }
}
