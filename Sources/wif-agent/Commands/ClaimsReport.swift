import Federation
import Kernel
import Policy
import Text

/// What a service would make of a token's claims, and what to enter there.
struct ClaimsReport {
    private let claims: JSON
    private let question: ClaimsQuestion
    private let evaluation: Evaluation?
    private let clauses: [Clause]
    private let warnings: [String]
    private let advice: Advice?

    /// What the service would make of it; `nil` where it was held against nothing.
    let verdict: Verdict?

    /// - Parameter target: what the account's request will say of Bright's project.
    init(_ claims: JSON, _ question: ClaimsQuestion, now: WallTime, target: Judgement.Target) {
        self.claims = claims
        self.question = question
        advice = question.service.map { Advice(for: $0, claims: claims) }
        switch question.terms {
        case nil:
            (evaluation, clauses, warnings, verdict) = (nil, [], [], nil)
        case .condition(let condition):
            let evaluation = condition.evaluate(claims: claims)
            self.evaluation = evaluation
            clauses = []
            warnings = condition.warnings(claims: claims)
            verdict = condition.verdict(on: evaluation, claims: claims)
        case .mappings(let subject, let mappings):
            evaluation = nil
            clauses = Clause.list(subject: subject, mappings, claims: claims)
            warnings = []
            let none = Verdict.cannotBeTold(
                why: "no subject is given, which Mondoo always compares"
            )
            verdict = .whole(clauses.map(\.verdict) + (subject == nil ? [none] : []))
        case .preset(let preset):
            evaluation = nil
            clauses = preset.clauses(claims)
            warnings = []
            verdict = .whole(clauses.map(\.verdict))
        case .trusts(let trusts):
            // A service takes the token if one of its trusts does: that one is shown, else the nearest.
            let best = Judgement(of: trusts, claims: claims, now: now, target: target)
            evaluation = best?.trust.condition?.evaluate(claims: claims)
            clauses = best?.clauses ?? []
            warnings = best?.trust.condition?.warnings(claims: claims) ?? []
            verdict = best?.verdict ?? .refused
        }
    }

    // MARK: For people

    func text(_ style: TextStyle, signs: Bool) -> String {
        var text = String(decoding: claims.serialized(indented: true), as: UTF8.self) + "\n"
        guard question.service != nil || verdict != nil else { return text }
        if let verdict {
            let why = verdict.reason.map { ": \($0)" } ?? ""
            text += "\n\(serviceName): \(style(verdict.word, verdict.meaning))\(why)\n"
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
            case .cannotBeTold: style(signs ? "?" : "?   ", .warning)
            }
        let hint = clause.hint.map { "      hint: \($0)\n" } ?? ""
        return "  \(mark) \(clause.name): \(clause.told)\n\(hint)"
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
        if let issuer = advice.issuer { text += "  issuer: \(issuer.printable)\n" }
        if let condition = advice.condition { text += "  condition: \(condition)\n" }
        if let preset = advice.preset {
            text += "  or, with Bright's form for \(preset.provider.name):\n"
            for (title, value) in preset.list { text += "  \(title) = \(value.printable)\n" }
        }
        if let subject = advice.subject { text += "  subject = \(subject.printable)\n" }
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
        members["verdict"] = verdict.map { .string($0.word) }
        members["why"] = verdict?.reason.map(JSON.string)
        switch verdict {
        case .accepted: members["accepted"] = true
        case .refused: members["accepted"] = false
        case .cannotBeTold: members["accepted"] = .null
        case nil: break
        }
        members["clauses"] = clauses.isEmpty ? nil : .array(clauses.map(\.json))
        members["steps"] = (evaluation?.trace.map(\.json)).map(JSON.array)
        members["warnings"] = verdict == nil ? nil : .array(warnings.map(JSON.string))
        members["suggestion"] = advice?.json
        return .object(members)
    }
}

extension Verdict {
    fileprivate var meaning: TextStyle.Meaning {
        switch self {
        case .accepted: .good
        case .refused: .bad
        case .cannotBeTold: .warning
        }
    }
}

extension Clause {
    fileprivate var json: JSON {
        [
            "name": .string(name), "verdict": .string(verdict.word), "detail": .string(detail),
            "why": verdict.reason.map(JSON.string) ?? .null,
            "hint": hint.map(JSON.string) ?? .null,
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
        let form: JSON? = preset.map { preset in
            [
                "provider": .string(preset.provider.rawValue),
                "fields": .object(preset.fields.mapValues(JSON.string)),
            ]
        }
        return [
            "issuer": issuer.map(JSON.string) ?? .null, "issuer_name": .string(issuerName),
            "condition": condition.map(JSON.string) ?? .null,
            "subject": subject.map(JSON.string) ?? .null,
            "mappings": .object(Dictionary(pairs) { first, _ in first }),
            "preset": form ?? .null, "remarks": .array(remarks.map(JSON.string)),
        ]
    }
}
