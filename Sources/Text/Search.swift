/// One text in another, found by its bytes: no character is taken for another that only looks the same.
extension StringProtocol {
    /// Where the other text begins and ends first; an empty one does at the start.
    package func firstRange(of other: some StringProtocol) -> Range<Index>? {
        let part = Array(other.utf8)
        guard let first = part.first else { return startIndex..<startIndex }
        var rest = utf8[...]
        while let start = rest.firstIndex(of: first) {
            rest = rest[start...]
            if rest.starts(with: part) { return start..<utf8.index(start, offsetBy: part.count) }
            rest.removeFirst()
        }
        return nil
    }

    /// Whether the other text is a part of this one.
    package func contains(_ other: some StringProtocol) -> Bool {
        firstRange(of: other) != nil
    }

    /// What stands before, between and behind each place where the separator is; at least one part.
    package func parts(separatedBy separator: String) -> [SubSequence] {
        var parts: [SubSequence] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator), !range.isEmpty {
            parts.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return parts + [rest]
    }

    /// With the replacement at each place where the other text was.
    package func replacing(_ other: String, with replacement: String) -> String {
        parts(separatedBy: other).joined(separator: replacement)
    }
}
