/// What a credential looks like where it is delivered. All that is known of a format stands in its own
/// file beside this one; this is the list from which the rest is derived.
///
/// To add a format: a case here, and what the compiler then asks for.
package enum Format: String, CaseIterable, Sendable {
    case raw, json, env, envfile, header, ini, template

    /// What is known of the format.
    package var facts: FormatFacts {
        switch self {
        case .raw: .raw
        case .json: .json
        case .env: .env
        case .envfile: .envfile
        case .header: .header
        case .ini: .ini
        case .template: .template
        }
    }
}

/// Everything that the domain knows of one format: what its file in this folder says.
package struct FormatFacts: Sendable {
    /// Other words for it in account files and on command lines.
    var aliases: [String] = []
    /// Whether it needs a text of the account file's own, which no command has.
    var wantsTemplate = false
    /// Why the credentials of a service cannot be written so; `nil` where they can.
    var objection: @Sendable (ServiceName) -> String? = { _ in nil }
    /// Writes a credential down; reads and changes nothing outside.
    let render: @Sendable (RenderedCredential) throws(FormatError) -> Rendered
}

extension Format {
    /// The format for one of its words.
    package init?(word: String) {
        guard
            let format = Self.allCases.first(where: {
                $0.rawValue == word || $0.facts.aliases.contains(word)
            })
        else { return nil }
        self = format
    }

    /// Its word and its aliases.
    var words: [String] { [rawValue] + facts.aliases }

    /// The words of all formats, as an error message and a completion list them.
    package static let words = allCases.flatMap(\.words)

    /// The words of the formats that commands print in.
    package static let commandWords = allCases.filter { !$0.facts.wantsTemplate }.flatMap(\.words)

    /// Why the credentials of a service cannot be written so; `nil` where they can.
    package func objection(for service: Service) -> String? { facts.objection(service.kind) }
}
