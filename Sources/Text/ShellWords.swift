/// Splits a command line as a POSIX shell would, quotes and backslashes alone being special: no
/// variable is replaced, nothing is run. `nil` where a quote is not closed or a backslash ends it.
package func shellWords(_ text: String) -> [String]? {
    var words: [String] = []
    var word: String.UnicodeScalarView?
    var quote: Unicode.Scalar?
    // By scalars: what joins a quote or backslash to a larger character must not hide it.
    var rest = text.unicodeScalars[...]
    func put(_ scalars: Unicode.Scalar...) {
        if word == nil { word = String.UnicodeScalarView() }
        word?.append(contentsOf: scalars)
    }
    while let scalar = rest.popFirst() {
        switch (scalar, quote) {
        case ("\\", _) where quote != "'":
            guard let next = rest.popFirst() else { return nil }
            // Between double quotes a backslash is itself before all but these.
            let isKept = quote != nil && next != "\"" && next != "\\"
            if isKept { put(scalar, next) } else { put(next) }
        case (_, let open?) where scalar == open: quote = nil
        case ("'", nil), ("\"", nil):
            quote = scalar
            word = word ?? String.UnicodeScalarView()
        case (_, nil) where scalar.properties.isWhitespace:
            if let complete = word { words.append(String(complete)) }
            word = nil
        default: put(scalar)
        }
    }
    if quote != nil { return nil }
    if let word { words.append(String(word)) }
    return words
}
