import Federation
package import Text

/// One thing that a service looks at in a token, and what it will make of it.
package struct Clause: Equatable, Sendable {
    /// "issuer", "audience", "expiry", "start", "age", "subject", "condition", "resource", a mapping's
    /// key or a field of Bright's form.
    package let name: String
    package let verdict: Verdict
    /// What the token says against what is wanted, in one line.
    package let detail: String
    /// What to change.
    package let hint: String?

    init(_ name: String, _ verdict: Verdict, _ detail: String, hint: String? = nil) {
        self.name = name
        self.verdict = verdict
        self.detail = detail
        self.hint = hint
    }

    /// The detail, and why the verdict cannot be told where that is so.
    package var told: String {
        verdict.reason.map { "\(detail); cannot be told here: \($0)" } ?? detail
    }

    /// What Mondoo will make of a subject and of claim mappings, without the rest of a trust. The claims are
    /// a JWT's, or what GetCallerIdentity answers.
    package static func list(
        subject: String?,
        _ mappings: [ClaimMapping],
        claims: JSON
    ) -> [Clause] {
        Trust.mondooClauses(subject: subject, mappings, claims: claims)
    }
}

extension Evaluation {
    /// The parts that keep the condition from holding, with the values that make them so.
    package var objections: [String] {
        let isChain = trace.contains { $0.level == 1 && $0.outcome.isBoolean }
        let level = isChain ? 1 : 0
        var result: [String] = []
        for (index, step) in trace.enumerated() where step.level == level {
            guard let objection = step.objection else { continue }
            let operands = trace[(index + 1)...].prefix { $0.level > level }
                .filter { $0.level == level + 1 && $0.outcome.shown != nil }
                .map { "\($0.source) is \($0.outcome.shown ?? "")" }
            let list = operands.isEmpty ? "" : " (\(operands.joined(separator: ", ")))"
            result.append(objection + list)
        }
        return result
    }
}

extension Evaluation.Step {
    fileprivate var objection: String? {
        switch outcome {
        case .value("true"): nil
        case .value("false"): "\(source) is false"
        case .value(let text): "\(source) gives \(text)"
        case .error(let message): "\(source) fails: \(message)"
        }
    }
}

extension Evaluation.Step.Outcome {
    fileprivate var isBoolean: Bool {
        switch self {
        case .value(let text): text == "true" || text == "false"
        case .error: true
        }
    }

    fileprivate var shown: String? {
        if case .value(let text) = self { text } else { nil }
    }
}
