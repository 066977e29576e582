import Glibc
import Synchronization

/// Tells when something was done to what paths lead to; nothing wakes up while nothing is done.
/// `inotify(7)`
///
/// It hears of what happens after ``watch(_:)`` has returned. So the order is: watch, look, wait; and
/// again from the beginning, for what was replaced is another file, which has to be watched anew.
package final class PathWatch: Sendable {
    /// What of a path is heard.
    package enum Interest: Sendable {
        /// The file or directory itself: it is written to, gets another mode, owner or name, is
        /// removed or replaced, appears; or a directory on its path is moved or removed.
        case file
        /// The names in a directory as well: made, removed, renamed, written to.
        case names
        /// The names in a directory as well, but not what is written to them.
        case entries
        /// The name itself, links not followed: it is made, removed, renamed or replaced.
        case link
    }

    private let heard = Heard()
    private let listener: UInt64

    /// - Parameter onTouch: called each time something was done, for whoever waits in another way than by
    ///   ``next(settling:on:)``; on the poller's thread or any other, and it must not block.
    package init(onTouch: (@Sendable () -> Void)? = nil) {
        listener = Inotify.shared.listen { [heard] paths in
            heard.add(paths)
            onTouch?()
        }
    }

    deinit {
        Inotify.shared.remove(listener)
    }

    /// Watches these absolute paths, links followed, in place of those before. What is not there is
    /// awaited, as far as this process may read the directory it would appear in.
    /// - Throws: ``Errno`` where the kernel gives no means to watch with; what this process may not
    ///   read is no failure, and not heard.
    package func watch(_ places: [(path: String, interest: Interest)]) throws(Errno) {
        let round = heard.nextRound(watching: Set(places.map(\.path)))
        for (path, interest) in places {
            try add(path, interest, round)
        }
        // What has happened to the former ones would be nobody's without them.
        Inotify.shared.catchUp()
        Inotify.shared.remove(listener, before: round)
    }

    /// Waits until something was done, and then until nothing has been done for `seconds` (at most ten
    /// times that long).
    ///
    /// - Returns: the paths that were touched, as given; all of them where the kernel lost count; none
    ///   where ``wake()`` was called.
    /// - Throws: `CancellationError`. One waiter at a time.
    package func next(
        settling seconds: Double = 0.1,
        on timekeeper: any Timekeeper = SystemTimekeeper()
    ) async throws -> Set<String> {
        while true {
            await heard.wakeup.wait()
            try Task.checkCancellation()
            if heard.takeCall() { return heard.take() }
            let touched = try await settled(for: seconds, on: timekeeper)
            if !touched.isEmpty { return touched }
        }
    }

    /// Returns what was touched since somebody last asked, once nothing has been done for so many seconds
    /// (at most ten times that long); at once and empty where nothing was.
    /// - Throws: `CancellationError`.
    package func settled(
        for seconds: Double = 0.1,
        on timekeeper: any Timekeeper = SystemTimekeeper()
    ) async throws -> Set<String> {
        var touched = heard.take()
        if touched.isEmpty { return [] }
        for _ in 0..<10 {
            try await timekeeper.sleep(until: timekeeper.now.advanced(bySeconds: seconds))
            let more = heard.take()
            if more.isEmpty { break }
            touched.formUnion(more)
        }
        return touched
    }

    /// Has ``next(settling:on:)`` return, now or when it is called next: to watch other paths.
    package func wake() {
        heard.call()
    }

    private func add(_ path: String, _ interest: Interest, _ round: UInt64) throws(Errno) {
        // What appears while it is looked for is looked for once more.
        for _ in 0..<4 {
            var place = "/"
            var missing: String?
            for part in path.split(separator: "/").map(String.init) {
                try add(place, .passed, round, path)
                let next = place == "/" ? "/\(part)" : "\(place)/\(part)"
                guard exists(next) else {
                    missing = part
                    break
                }
                place = next
            }
            if interest == .link, missing == nil || place == splitPath(path).directory {
                return try add(splitPath(path), round, path)
            }
            guard let missing else { return try add(place, .end(interest), round, path) }
            try add(place, .appearance(missing), round, path)
            if !exists(place == "/" ? "/\(missing)" : "\(place)/\(missing)") { return }
        }
    }

    private func add(
        _ link: (directory: String, name: String),
        _ round: UInt64,
        _ path: String
    ) throws(Errno) {
        try add(link.directory, .link(link.name), round, path)
    }

    private func add(
        _ place: String,
        _ part: Part,
        _ round: UInt64,
        _ path: String
    ) throws(Errno) {
        let registration = Inotify.Registration(
            listener: listener,
            round: round,
            mask: part.mask,
            scope: part.scope,
            path: path
        )
        do throws(Errno) {
            try Inotify.shared.add(place, registration)
        } catch {
            // Closed to this process, or gone since it was looked at.
            if ![EACCES, ENOENT, ENOTDIR, ELOOP].contains(error.code) { throw error }
        }
    }

    private func exists(_ path: String) -> Bool {
        do throws(Errno) {
            _ = try FileFacts(at: path)
            return true
        } catch {
            return false
        }
    }
}

/// What a file or directory on a path is watched for.
private enum Part {
    /// Only that the path does not lead through it any more.
    case passed
    case appearance(String)
    case link(String)
    case end(PathWatch.Interest)

    var mask: UInt32 {
        let gone = IN_MOVE_SELF | IN_DELETE_SELF
        return switch self {
        case .passed: UInt32(gone)
        case .appearance: UInt32(gone | IN_CREATE | IN_MOVED_TO)
        case .link: UInt32(gone | IN_CREATE | IN_DELETE | IN_MOVE)
        case .end(.file), .end(.link): UInt32(gone | IN_ATTRIB | IN_MODIFY)
        case .end(.entries): UInt32(gone | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVE)
        case .end(.names):
            UInt32(gone | IN_ATTRIB | IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVE)
        }
    }

    var scope: Inotify.Registration.Scope {
        switch self {
        case .passed, .end(.file), .end(.link): .itself
        case .appearance(let name), .link(let name): .name(name)
        case .end(.names), .end(.entries): .everything
        }
    }
}

/// What a watch has heard since somebody last asked.
private final class Heard: Sendable {
    private struct State {
        var touched: Set<String> = []
        var watched: Set<String> = []
        var round: UInt64 = 0
        var isCalled = false
    }

    private let state = Mutex(State())
    let wakeup = Wakeup()

    func nextRound(watching paths: Set<String>) -> UInt64 {
        state.withLock { state in
            state.round += 1
            state.watched = paths
            return state.round
        }
    }

    func add(_ paths: Set<String>?) {
        state.withLock { $0.touched.formUnion(paths ?? $0.watched) }
        wakeup.ring()
    }

    func call() {
        state.withLock { $0.isCalled = true }
        wakeup.ring()
    }

    func takeCall() -> Bool {
        state.withLock { state in
            defer { state.isCalled = false }
            return state.isCalled
        }
    }

    func take() -> Set<String> {
        state.withLock { state in
            defer { state.touched = [] }
            return state.touched
        }
    }
}

/// The symbolic links through which a path leads, in order, each by its path with those before it
/// resolved; at most the 40 that the kernel follows. Empty where there are none. `path_resolution(7)`
package func symbolicLinks(on path: String) -> [String] {
    var ahead = path.split(separator: "/").map(String.init)
    var place = ""
    var links: [String] = []
    while let part = ahead.first, links.count < 40 {
        ahead.removeFirst()
        switch part {
        case ".": continue
        case "..": place = String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)])
        default:
            let next = "\(place)/\(part)"
            do throws(Errno) {
                let target = try linkTarget(next, in: AT_FDCWD)
                links.append(next)
                if target.hasPrefix("/") { place = "" }
                ahead = target.split(separator: "/").map(String.init) + ahead
            } catch {
                place = next
            }
        }
    }
    return links
}
