/// Splits a command line as a POSIX shell would, quotes and backslashes alone being special: no
/// variable is replaced, nothing is run. `nil` where a quote is not closed or a backslash ends it.
package func shellWords(_ text: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var rest = text[...]
    while let character = rest.popFirst() {
        switch (character, quote) {
        case ("\\", _) where quote != "'":
            guard let next = rest.popFirst() else { return nil }
            // Between double quotes a backslash is itself before all but these.
            let isKept = quote != nil && next != "\"" && next != "\\"
            word = (word ?? "") + (isKept ? "\\\(next)" : String(next))
        case (_, let open?) where character == open: quote = nil
        case ("'", nil), ("\"", nil):
            quote = character
            word = word ?? ""
        case (_, nil) where character.isWhitespace:
            if let complete = word { words.append(complete) }
            word = nil
        default: word = (word ?? "") + String(character)
        }
    }
    if quote != nil { return nil }
    if let word { words.append(word) }
    return words
}
