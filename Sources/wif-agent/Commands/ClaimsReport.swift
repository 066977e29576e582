import Federation
import FoundationEssentials
import Policy

/// What a service would make of a token's claims, and what to enter there.
struct ClaimsReport {
    private let claims: JSON
    private let question: ClaimsQuestion
    private let evaluation: Evaluation?
    private let clauses: [Clause]
    private let warnings: [String]
    private let advice: Advice?

    /// Whether the token would pass; `nil` where it was held against nothing.
    let isAccepted: Bool?

    init(_ claims: JSON, _ question: ClaimsQuestion, now: Date) {
        self.claims = claims
        self.question = question
        advice = question.service.map { Advice(for: $0, claims: claims) }
        switch question.terms {
        case nil:
            (evaluation, clauses, warnings, isAccepted) = (nil, [], [], nil)
        case .condition(let condition):
            let evaluation = condition.evaluate(claims: claims)
            self.evaluation = evaluation
            clauses = []
            warnings = condition.warnings(claims: claims)
            isAccepted = evaluation.holds
        case .mappings(let subject, let mappings):
            evaluation = nil
            clauses = Clause.list(subject: subject, mappings, claims: claims)
            warnings = subject == nil ? ["no subject is given, which Mondoo always compares"] : []
            isAccepted = !clauses.contains { $0.verdict == .refused }
        case .trusts(let trusts):
            let judged = trusts.map { ($0, $0.judge(claims: claims, now: now)) }
            // A service takes the token if one of its trusts does: that one is shown, else the nearest.
            let best = judged.min { $0.1.refusals < $1.1.refusals }
            evaluation = best?.0.condition?.evaluate(claims: claims)
            clauses = best?.1 ?? []
            warnings = best?.0.condition?.warnings(claims: claims) ?? []
            isAccepted = best.map { $0.1.refusals == 0 } ?? false
        }
    }

    // MARK: For people

    func text(_ style: TextStyle, signs: Bool) -> String {
        var text = String(decoding: claims.serialized(indented: true), as: UTF8.self) + "\n"
        guard question.service != nil || isAccepted != nil else { return text }
        if let isAccepted {
            let verdict = isAccepted ? style("accepted", .good) : style("refused", .bad)
            text += "\n\(serviceName): \(verdict)\n"
        }
        for clause in clauses { text += line(clause, style, signs) }
        if let evaluation { text += trace(evaluation, style) }
        for warning in warnings { text += "  \(style("warning:", .warning)) \(warning)\n" }
        return text + suggestion(style)
    }

    private var serviceName: String { question.service?.rawValue ?? "the trust" }

    private func line(_ clause: Clause, _ style: TextStyle, _ signs: Bool) -> String {
        let mark =
            switch clause.verdict {
            case .accepted: style(signs ? "✓" : "ok  ", .good)
            case .refused: style(signs ? "✗" : "FAIL", .bad)
            case .uncertain: style(signs ? "?" : "?   ", .warning)
            }
        let hint = clause.hint.map { "      mend: \($0)\n" } ?? ""
        return "  \(mark) \(clause.name): \(clause.detail)\n\(hint)"
    }

    private func trace(_ evaluation: Evaluation, _ style: TextStyle) -> String {
        var lines: [String] = []
        for step in evaluation.trace {
            let indent = String(repeating: "  ", count: step.level + 1)
            let value =
                switch step.outcome {
                case .value("true"): style("true", .good)
                case .value("false"): style("false", .bad)
                case .value(let text): text
                case .error(let message): style("error: \(message)", .bad)
                }
            lines.append(
                "\(indent)\(value)\(step.isDecisive ? "" : " (not decisive)")  \(step.source)\n"
            )
        }
        return lines.joined()
    }

    private func suggestion(_ style: TextStyle) -> String {
        guard let advice else { return "" }
        var text = "\n\(style("suggested", .heading)) (a token of \(advice.issuerName)):\n"
        if let condition = advice.condition { text += "  condition: \(condition)\n" }
        if let subject = advice.subject { text += "  subject: \(subject.printable)\n" }
        for mapping in advice.mappings {
            text += "  \(mapping.key.printable) = \(mapping.value.printable)\n"
        }
        for remark in advice.remarks { text += "  note: \(remark)\n" }
        return text
    }

    // MARK: For programs

    var json: JSON {
        var members: [String: JSON] = ["claims": claims]
        members["service"] = question.service.map { .string($0.rawValue) }
        members["accepted"] = isAccepted.map(JSON.bool)
        members["clauses"] = clauses.isEmpty ? nil : .array(clauses.map(\.json))
        members["steps"] = (evaluation?.trace.map(\.json)).map(JSON.array)
        members["warnings"] = isAccepted == nil ? nil : .array(warnings.map(JSON.string))
        members["suggestion"] = advice?.json
        return .object(members)
    }
}

extension [Clause] {
    fileprivate var refusals: Int { count { $0.verdict == .refused } }
}

extension Clause {
    fileprivate var json: JSON {
        [
            "name": .string(name), "verdict": .string(verdict.rawValue),
            "detail": .string(detail), "hint": hint.map(JSON.string) ?? .null,
        ]
    }
}

extension Evaluation.Step {
    fileprivate var json: JSON {
        var members: [String: JSON] = [
            "source": .string(source), "line": .integer(Int64(position.line)),
            "column": .integer(Int64(position.column)), "level": .integer(Int64(level)),
            "decisive": .bool(isDecisive),
        ]
        switch outcome {
        case .value(let text): members["value"] = .string(text)
        case .error(let message): members["error"] = .string(message)
        }
        return .object(members)
    }
}

extension Advice {
    fileprivate var json: JSON {
        let pairs = mappings.map { ($0.key, JSON.string($0.value)) }
        return [
            "issuer": .string(issuerName), "condition": condition.map(JSON.string) ?? .null,
            "subject": subject.map(JSON.string) ?? .null,
            "mappings": .object(Dictionary(pairs) { first, _ in first }),
            "remarks": .array(remarks.map(JSON.string)),
        ]
    }
}
