internal import Federation
internal import Platform

/// A token that was handed over once and cannot be had again: in a variable, or in the account file.
struct GivenToken {
    let source: String
    let value: String
    /// What to call it in an error.
    let place: String

    func subjectToken() throws(SourceError) -> SubjectToken {
        let token = value.trimmed
        guard !token.isEmpty else { throw SourceError(.noSource, "\(place) is empty") }
        return SubjectToken(Secret(token), source: source, isRenewable: false)
    }
}

extension SourceContext {
    /// The token in the environment variable of this name.
    func token(inVariable name: String) throws(SourceError) -> SubjectToken {
        guard let value = environment[name] else {
            throw SourceError(
                .noSource,
                "the variable \(name.printable) is not set",
                hint: "a program started by an init system has only the variables handed to it"
            )
        }
        let place = "the variable \(name.printable)"
        return try GivenToken(source: "environment", value: value, place: place).subjectToken()
    }
}
