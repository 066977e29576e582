import Federation
import Text

extension SourceContext {
    /// Refuses a value that is a template which nothing has replaced by its value.
    ///
    /// - Parameter place: what holds it, such as "the variable NAME".
    func checkExpanded(_ value: String, in place: String) throws(SourceError) {
        guard let template = Placeholder.unexpanded(in: value) else { return }
        throw SourceError(
            .misconfigured,
            "\(place) holds a template, \(Self.form(of: template)), which nothing has replaced by its value",
            hint: "\(Self.expander(of: template)); put the value itself into \(place)"
        )
    }

    /// Of variables that belong together, what is said where some are there and some are not; `nil` where all
    /// or none are.
    func partly(_ names: String...) -> (cause: String, hint: String)? {
        let missing = names.filter { variable($0) == nil }
        let present = names.filter { variable($0) != nil }
        guard !missing.isEmpty, !present.isEmpty else { return nil }
        let lacking = missing.map { environment[$0] == nil ? "\($0) is not set" : "\($0) is empty" }
        let all = missing.joined(separator: " and ")
        return (
            "\(present.joined(separator: " and ")) is set, and \(lacking.joined(separator: ", and "))",
            "hand on \(all) as well: into a container with docker run -e \(missing.joined(separator: " -e "))"
                + ", through sudo with --preserve-env=\(missing.joined(separator: ",")); they belong to one job"
        )
    }

    /// Its marks alone: what stands in it is taken for a secret, as the variable's value would be.
    private static func form(of template: String) -> String {
        let marks = [
            ("${{", "${{ ... }}"), ("${", "${...}"), ("$(", "$(...)"), ("{{", "{{ ... }}"),
            ("$[", "$[...]"), ("%", "%NAME%"), ("<", "<...>"),
        ]
        return marks.first { template.hasPrefix($0.0) }?.1 ?? "$NAME"
    }

    /// Who would replace such a template, and where.
    private static func expander(of template: String) -> String {
        let rules = TokenPlatform.allCases.compactMap(\.facts.template)
        if let rule = rules.first(where: { template.hasPrefix($0.mark) }) { return rule.rule }
        return
            "a shell replaces it outside of single quotes alone, and neither docker's --env-file nor systemd's"
            + " EnvironmentFile= does"
    }
}
