/// Whose condition language an expression is written in.
package enum Dialect: String, Sendable, CaseIterable {
    /// CEL over the variable `claims`, at most 1,024 bytes. ConductorOne's documentation
    case conductorone
    /// The subset that Bright documents, over `sub`, `iss`, `aud` and `claims`.
    case bright

    /// The service's name as people write it.
    package var name: String {
        switch self {
        case .conductorone: "ConductorOne"
        case .bright: "Bright"
        }
    }

    /// UTF-8 bytes. Bright documents no limit: that one is this program's own.
    package var maximalLength: Int {
        switch self {
        case .conductorone: 1024
        case .bright: 16_384
        }
    }

    /// The names that stand for the token.
    var variables: [String] {
        switch self {
        case .conductorone: ["claims"]
        case .bright: ["sub", "iss", "aud", "claims"]
        }
    }
}

/// What bounds the time and memory of parsing and evaluating, whatever the input.
enum Limits {
    /// How deep parentheses, lists, maps, calls and `?:` may nest in the text.
    static let nesting = 48
    /// How deep the tree may be, chains of operators included.
    static let depth = 128
    static let nodes = 4096
    /// Work units of one evaluation.
    static let steps = 100_000
    /// UTF-8 bytes of a string or byte sequence that an evaluation makes.
    static let textLength = 1 << 18
    /// Elements of a list that an evaluation makes.
    static let elements = 50_000
    /// Characters of a value shown in a trace or message.
    static let rendered = 120
}
