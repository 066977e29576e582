import Federation
package import Text

/// What a condition says of a token, and how it came to it.
package struct Evaluation: Equatable, Sendable {
    /// Whether the service would accept the token as far as this condition goes.
    package enum Result: Equatable, Sendable {
        case holds
        case fails
        /// No boolean came out; services refuse the token then.
        case error(message: String, position: SourcePosition)
    }

    /// A part of the condition and what it came to.
    package struct Step: Equatable, Sendable {
        /// What a part came to.
        package enum Outcome: Equatable, Sendable {
            /// As CEL would write it, cut to 120 characters.
            case value(String)
            case error(String)
        }

        /// Its text, cut to 120 characters.
        package let source: String
        package let position: SourcePosition
        /// 0 for the whole condition, 1 for its parts, and so on.
        package let level: Int
        package let outcome: Outcome
        /// Whether the result depends on it: `false` for what stands behind the part of an `&&` or
        /// `||` that decided it. It is evaluated all the same, so that every fault is seen at once.
        package let isDecisive: Bool
    }

    package let result: Result
    /// The name that an object does not have, where the result is that error.
    let absentKey: String?
    /// In the order of the text, each part before its own parts; literals are left out.
    package let trace: [Step]
    /// What the evaluation cost, at most 100,000.
    package let steps: Int

    /// Whether the condition came to `true`.
    package var holds: Bool { result == .holds }
}

extension Expression {
    /// Evaluates the condition over a token's claims, in bounded time and memory.
    ///
    /// Whole numbers among the claims are ints and the others doubles; comparisons go by value, so
    /// that a service that takes all for doubles agrees, except about arithmetic and `type()`.
    package func evaluate(claims: JSON) -> Evaluation {
        var evaluator = Evaluator(self, claims: claims)
        let result: Evaluation.Result
        var absentKey: String?
        do throws(Fault) {
            let value = try evaluator.value(of: root)
            guard case .bool(let holds) = value else {
                throw Fault("the condition gives a \(value.typeName), not true or false")
            }
            result = holds ? .holds : .fails
        } catch {
            let offset = error.offset ?? root.offset
            result = .error(message: error.message, position: evaluator.position(of: offset))
            absentKey = error.absentKey
        }
        return Evaluation(
            result: result,
            absentKey: absentKey,
            trace: evaluator.trace.compactMap(\.self),
            steps: min(evaluator.meter.spent, Limits.steps)
        )
    }
}
