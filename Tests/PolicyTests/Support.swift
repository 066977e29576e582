import Federation
import Testing
import Text

@testable import Policy

/// A row of a table: an expression and what it comes to, as CEL would write it, or `error: …`.
struct Row: Sendable, CustomTestStringConvertible {
    let source: String
    let expected: String

    init(_ source: String, _ expected: String) {
        self.source = source
        self.expected = expected
    }

    var testDescription: String { source }
}

/// What an expression in ConductorOne's dialect comes to; `error: …` where it is refused or fails.
func result(of source: String, claims: JSON = [:]) -> String {
    do throws(PolicyError) {
        let expression = try Expression(parsing: source, dialect: .conductorone)
        var evaluator = Evaluator(expression, claims: claims)
        do throws(Fault) {
            return try evaluator.value(of: expression.root).rendered
        } catch {
            return "error: " + error.message
        }
    } catch {
        return "error: " + error.problem
    }
}

/// The error that parsing gives, as people see it; empty if there is none.
func refusal(of source: String, _ dialect: Dialect) -> String {
    do throws(PolicyError) {
        _ = try Expression(parsing: source, dialect: dialect)
        return ""
    } catch {
        return error.description
    }
}

func verdict(_ source: String, _ dialect: Dialect, _ claims: JSON) throws -> Evaluation.Result {
    try Expression(parsing: source, dialect: dialect).evaluate(claims: claims).result
}

/// Whether an actual result fits the row: `error` alone fits every error.
func fits(_ actual: String, _ expected: String) -> Bool {
    expected == "error" ? actual.hasPrefix("error: ") : actual == expected
}
