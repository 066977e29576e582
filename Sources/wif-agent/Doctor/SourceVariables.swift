import Federation
import Kernel
import Text

/// What this shell's variables tell of a token source that found none: of variables that no job carries, too.
struct SourceVariables {
    private let environment: [String: String]

    init(_ environment: [String: String]) {
        self.environment = environment
    }

    /// The step, with what more this shell tells of why there is no token.
    func explained(_ step: StepReport, _ account: Account) -> StepReport {
        guard step.name == .source, step.state == .failed else { return step }
        let place = SourcePlace(
            environment: environment,
            advice: step.hint,
            text: { readText(ifAt: $0, limit: 4 << 20) },
            isThere: { FileFacts(ifAt: $0) != nil }
        )
        let platform = step.about.flatMap(TokenPlatform.init(rawValue:))
        if let found = platform?.facts.remark(place) {
            var step = step
            step.text += "; \(found.text)"
            step.hint = found.hint
            return step
        }
        if let found = place.underSudo(jobVariables(platform, account)) {
            var step = step
            step.text += "; \(found.text)"
            step.hint = found.hint + (step.hint.map { "; else \($0)" } ?? "")
            return step
        }
        return named(step, account)
    }

    /// The variables by which a job's platform gives tokens; empty for what asks the machine itself.
    private func jobVariables(_ platform: TokenPlatform?, _ account: Account) -> [String] {
        if let name = account.tokenSource.namedVariable { return [name] }
        guard let facts = platform?.facts, !facts.isMachine else { return [] }
        return facts.variables.filter { !$0.hasSuffix("*") }
    }

    /// With the variable that may have been meant where the one that is read is not set.
    private func named(_ step: StepReport, _ account: Account) -> StepReport {
        guard step.name == .source, step.state == .failed,
            let name = account.tokenSource.namedVariable, (environment[name] ?? "").isEmpty,
            let other = meant(name)
        else { return step }
        var step = step
        let isToken = isJWT(environment[other] ?? "")
        step.text += "; \(other.printable) is set\(isToken ? " and holds a JWT" : "")"
        let isPlain = if case .environment = account.tokenSource { true } else { false }
        let example =
            isPlain
            ? "{\"environment\": \"\(other.printable)\"}"
            : "{\"provider\": \"\(account.tokenSource.name)\", \"variable\": \"\(other.printable)\"}"
        step.hint =
            "if \(other.printable) has the token, write \"credentialSource\": \(example)"
            + (step.hint.map { "; else \($0)" } ?? "")
        return step
    }

    // MARK: Names

    /// The variable with the nearest name, else the only one with a JWT.
    private func meant(_ name: String) -> String? {
        let tokens = environment.keys.filter { isJWT(environment[$0] ?? "") && $0 != "JWT_TOKEN" }
        if let near = nearest(to: name, among: tokens.sorted()) { return near }
        if tokens.count == 1 { return tokens.first }
        return nearest(to: name, among: environment.keys.sorted())
    }

    private func isJWT(_ value: String) -> Bool {
        value.hasPrefix("eyJ") && value.count(where: { $0 == "." }) == 2
    }
}
