/// The known name nearest to a mistyped one, for "did you mean"; `nil` if none is near.
package func nearest(to name: String, among known: some Sequence<String>) -> String? {
    let limit = max(1, name.count / 3)
    let ranked = known.map {
        (name: $0, distance: editDistance(name.lowercased(), $0.lowercased()))
    }
    return ranked.filter { $0.distance <= limit }.min { $0.distance < $1.distance }?.name
}

/// How many single-character edits lead from one word to the other (Levenshtein).
package func editDistance(_ first: String, _ second: String) -> Int {
    let second = Array(second)
    var row = Array(0...second.count)
    for (line, left) in first.enumerated() {
        var diagonal = row[0]
        row[0] = line + 1
        for (column, right) in second.enumerated() {
            let substituted = diagonal + (left == right ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(substituted, row[column] + 1, diagonal + 1)
        }
    }
    return row[second.count]
}
