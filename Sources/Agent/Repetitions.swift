package import FoundationEssentials

/// Which of many like events are worth a line: the first, each at which their count has doubled, and one
/// a day. Pure; the clock is handed in.
package struct Repetitions: Sendable {
    private struct Run {
        var likeness: String
        var count = 0
        var told = 0
        var lastTold: Date
    }

    private static let silence = 86_400.0
    /// Subjects come from the configuration, which has far fewer; more than that is somebody's game.
    private static let capacity = 10_000
    private var runs: [String: Run] = [:]

    package init() {}

    /// Notes an event about the subject; answers how many like it there have been since the last that was
    /// told, itself included, or `nil` where it need not be told.
    ///
    /// Texts are alike if they differ in words with digits only: times, counts, identifiers.
    package mutating func note(_ text: String, about subject: String, at date: Date) -> Int? {
        if runs.count > Self.capacity { runs = [:] }
        let likeness = Self.likeness(of: text)
        var run = runs[subject] ?? Run(likeness: likeness, lastTold: date)
        if run.likeness != likeness { run = Run(likeness: likeness, lastTold: date) }
        run.count += 1
        let isDoubled = run.count & (run.count - 1) == 0
        // A clock that was set back must not silence it either.
        let isOld = abs(date.timeIntervalSince(run.lastTold)) >= Self.silence
        let untold = run.count - run.told
        if isDoubled || isOld {
            run.told = run.count
            run.lastTold = date
        }
        runs[subject] = run
        return isDoubled || isOld ? untold : nil
    }

    /// Forgets the subject: what was wrong with it is no more.
    package mutating func end(_ subject: String) { runs[subject] = nil }

    /// The text without what tells like events apart.
    static func likeness(of text: String) -> String {
        text.split(separator: " ")
            .filter { word in !word.utf8.contains { (0x30...0x39).contains($0) } }
            .joined(separator: " ")
    }
}
