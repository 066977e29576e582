import Federation
import Kernel

/// Tells accounts that wait for another subject token when something else has put one into the file
/// that their source names.
struct TokenFileWatch {
    private let board: Board
    private let timekeeper: any Timekeeper
    private let changes = PathWatch()

    init(board: Board, timekeeper: any Timekeeper) {
        self.board = board
        self.timekeeper = timekeeper
    }

    /// The accounts are others now, or have other sources.
    func accountsChanged() { changes.wake() }

    /// Runs until the task is cancelled.
    /// - Throws: `CancellationError`; ``Errno`` where the kernel gives no means to watch.
    func run() async throws {
        while true {
            let loops = board.loops.map { ($0, $0.ask(\.tokenFiles)) }
            let paths = Set(loops.flatMap(\.1))
            // Of each watched path, the token files that it leads to.
            var watched: [(path: String, interest: PathWatch.Interest)] = []
            var files: [String: Set<String>] = [:]
            for path in paths {
                for (place, interest) in Self.places(of: path) {
                    watched.append((place, interest))
                    files[place, default: []].insert(path)
                }
            }
            try changes.watch(watched)
            let touched = try await changes.next(on: timekeeper)
                .reduce(into: Set<String>()) { $0.formUnion(files[$1] ?? []) }
            for (loop, paths) in loops where !touched.isDisjoint(with: paths) {
                loop.tokenFileChanged()
            }
        }
    }

    private static func places(
        of path: String
    ) -> [(path: String, interest: PathWatch.Interest)] {
        [(path, .file)] + symbolicLinks(on: path).map { ($0, .link) }
    }
}
