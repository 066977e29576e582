import Kernel

/// Colours for people: on a terminal only, and not where `NO_COLOR` is set (https://no-color.org).
struct TextStyle: Sendable {
    enum Meaning: String, Sendable {
        case good = "32"
        case warning = "33"
        case bad = "31"
        case heading = "1"
    }

    private let isColored: Bool

    /// For standard output.
    init(environment: [String: String]) {
        isColored =
            isTerminal(1) && environment["NO_COLOR", default: ""].isEmpty
            && environment["TERM", default: "dumb"] != "dumb"
    }

    /// The text as it is, or between the sequences that colour it.
    func callAsFunction(_ text: String, _ meaning: Meaning) -> String {
        isColored ? "\u{1B}[\(meaning.rawValue)m\(text)\u{1B}[0m" : text
    }
}
