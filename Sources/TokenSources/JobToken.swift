import Federation
import Kernel
import Text

extension SourceContext {
    /// A token that a CI job was given in a variable at its start. There is no other one to be had.
    ///
    /// - Parameters:
    ///   - variables: in the order in which they are looked at.
    ///   - hint: what the job's author has to do.
    func jobToken(in variables: [String], hint: String) throws(SourceError) -> SubjectToken {
        for name in variables {
            guard let value = variable(name) else { continue }
            let place = "the variable \(name.printable)"
            let token = try GivenToken(value: value, place: place).subjectToken(self)
            if token.claims != nil { return token }
            throw SourceError(
                .noSource,
                "\(place) holds \(token.value.count) bytes that are not a JWT",
                hint: hint
            )
        }
        let names = variables.map(\.printable).joined(separator: " and ")
        throw SourceError(
            .noSource,
            variables.count == 1 ? "the variable \(names) is not set" : "\(names) are not set",
            hint: hint,
            isAbsent: true
        )
    }

    /// The value of a variable that every workload of the platform has.
    func platformVariable(_ name: String, hint: String) throws(SourceError) -> String {
        if let value = variable(name) {
            try checkExpanded(value, in: "the variable \(name)")
            return value
        }
        throw SourceError(
            .noSource,
            "the variable \(name) is not set",
            hint: hint,
            isAbsent: true
        )
    }

    /// Whether any of the variables has a value.
    func has(_ variables: String...) -> Bool {
        variables.contains { variable($0) != nil }
    }
}
