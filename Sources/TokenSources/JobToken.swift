internal import Federation
internal import Kernel
internal import Text

/// A token that a CI job was given in a variable at its start. There is no other one to be had.
struct JobToken {
    let source: String
    /// In the order in which they are looked at.
    let variables: [String]
    /// What the job's author has to do.
    let hint: String

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        for name in variables {
            guard let value = context.variable(name) else { continue }
            let place = "the variable \(name.printable)"
            let token = try GivenToken(source: source, value: value, place: place).subjectToken()
            if token.claims != nil { return token }
            throw SourceError(
                .noSource,
                "\(place) holds \(token.value.count) bytes that are no JWT",
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
}

extension SourceContext {
    /// Whether any of the variables has a value.
    func has(_ variables: String...) -> Bool {
        variables.contains { variable($0) != nil }
    }
}
