package import Kernel
import Text

/// Which of many like events are worth a line: the first of a kind, each at which the kind's count has
/// doubled, one after another kind if the last line is an hour old, and one a day. Pure; the clock is
/// handed in. Texts come from elsewhere: what is kept of them does not grow with their length, and of
/// too many subjects those that were noted longest ago are forgotten.
package struct Repetitions: Sendable {
    private struct Kind {
        var count = 0
        var told = 0
        var lastTold: WallTime
    }

    /// What has happened to a subject since it was last well. Texts are known by their hashes.
    private struct Run {
        var kinds: [Int: Kind] = [:]
        var last = 0
        var count = 0
        /// The number of the note that was the last about it.
        var noted = 0
    }

    private static let silence = 86_400.0
    private static let silenceAfterAnother = 3_600.0
    /// Subjects come from the configuration, which has far fewer; more than that is somebody's game.
    static let capacity = 8192
    static let kindsOfOne = 32
    private var runs: [Int: Run] = [:]
    private var notes = 0

    package init() {}

    /// How many subjects are remembered.
    var count: Int { runs.count }

    /// Notes an event about the subject; answers how many like it there have been since the last that was
    /// told, itself included, or `nil` where it need not be told.
    ///
    /// Texts are alike if they differ in words with digits only: times, counts, identifiers; the status
    /// of an HTTP error tells them apart.
    package mutating func note(_ text: String, about subject: String, at date: WallTime) -> Int? {
        let subject = subject.hashValue
        var run = runs[subject] ?? Run()
        notes += 1
        run.noted = notes
        if run.kinds.count >= Self.kindsOfOne { run.kinds = [:] }
        let likeness = Self.likeness(of: text).hashValue
        var kind = run.kinds[likeness] ?? Kind(lastTold: date)
        kind.count += 1
        run.count += 1
        // A clock that was set back must not silence it either.
        let age = abs(date.seconds(since: kind.lastTold))
        let isDue =
            kind.count & (kind.count - 1) == 0
            || age >= (run.last == likeness ? Self.silence : Self.silenceAfterAnother)
        let untold = kind.count - kind.told
        if isDue {
            kind.told = kind.count
            kind.lastTold = date
        }
        run.last = likeness
        run.kinds[likeness] = kind
        runs[subject] = run
        if runs.count > Self.capacity { forgetOldest() }
        return isDue ? untold : nil
    }

    /// Forgets the subject: what was wrong with it is no more. Answers how many events there were.
    package mutating func end(_ subject: String) -> Int {
        runs.removeValue(forKey: subject.hashValue)?.count ?? 0
    }

    /// Half of them at a time, so that this is seldom done.
    private mutating func forgetOldest() {
        let kept = runs.values.map(\.noted).sorted().suffix(Self.capacity / 2)
        guard let first = kept.first else { return }
        runs = runs.filter { $1.noted >= first }
    }

    /// The text without what tells like events apart.
    static func likeness(of text: String) -> String {
        text.split(separator: " ").filter { !hasDigit($0) || isErrorStatus($0) }
            .joined(separator: " ")
    }

    private static func hasDigit(_ word: Substring) -> Bool {
        word.utf8.contains(where: \.isDigit)
    }

    private static func isErrorStatus(_ word: Substring) -> Bool {
        let number = word.drop { "\"(".contains($0) }.prefix { !":,;.)\"".contains($0) }
        return number.utf8.count == 3 && Int(number).map { (400...599).contains($0) } ?? false
    }
}
