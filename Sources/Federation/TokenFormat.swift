/// How a token stands in a file or a reply.
package enum TokenFormat: Equatable, Sendable {
    case text
    /// The value of a top-level member of a JSON object.
    case json(field: String)
}

extension TokenFormat {
    /// Google's `format`; text where there is none.
    init(_ source: inout KeyedValues) throws(AccountError) {
        guard var format = try source.object("format") else {
            self = .text
            return
        }
        let type = try format.text("type") ?? "text"
        let field = try format.text("subjectTokenFieldName")
        source.finish(format)
        switch (type, field) {
        case ("text", nil): self = .text
        case ("json", let field?): self = .json(field: field)
        case ("json", nil):
            throw format.missing("subjectTokenFieldName", because: "type json needs it")
        case ("text", _):
            throw format.error("subjectTokenFieldName", "goes with type json only")
        default: throw format.unknown("type", type, ["json", "text"])
        }
    }
}
