import Federation
import Kernel
import Synchronization

/// Tells when account files hold something else than what was read last; nothing wakes up while nothing is
/// done to them. Links are followed and watched, as Kubernetes replaces a mounted ConfigMap by its
/// `..data`.
final class AccountFileWatch: Sendable {
    /// Seconds without another change after which an edit is taken to be finished.
    static let quietSeconds = 1.0

    private let settings: AgentSettings
    private let timekeeper: any Timekeeper
    private let changes = PathWatch()
    private let seen = Mutex(Contents())

    init(settings: AgentSettings, timekeeper: any Timekeeper) {
        self.settings = settings
        self.timekeeper = timekeeper
    }

    /// The files are about to be read: only what happens from now on is a change.
    func noteReading() {
        let present = Contents(settings)
        seen.withLock { $0 = present }
    }

    /// Returns when the files hold something else than at ``noteReading()`` or at the last return, and
    /// nothing has been done to them for a second (or for at most ten).
    /// - Throws: `CancellationError`; ``Errno`` where the kernel gives no means to watch.
    func nextChange() async throws {
        var isQuiet = false
        while true {
            // In this order: what happens after the look is heard.
            try changes.watch(places)
            let present = Contents(settings)
            if present == seen.withLock(\.self) {
                _ = try await changes.next(settling: Self.quietSeconds, on: timekeeper)
                isQuiet = true
            } else if isQuiet {
                return seen.withLock { $0 = present }
            } else {
                let next = timekeeper.now.advanced(bySeconds: Self.quietSeconds)
                try await timekeeper.sleep(until: next)
                isQuiet = true
            }
        }
    }

    private var places: [(path: String, interest: PathWatch.Interest)] {
        var places: [(path: String, interest: PathWatch.Interest)] = []
        var paths: [String] = []
        do throws(AccountFiles.Problem) { paths = try settings.paths() } catch {
            paths = settings.files
        }
        if let directory = settings.directory {
            places.append((directory, .entries))
            paths.append(directory)
        }
        for path in paths {
            if path != settings.directory { places.append((path, .file)) }
            places += symbolicLinks(on: path).map { ($0, .link) }
        }
        return places
    }
}

/// What the account files hold, or why they cannot be read.
private struct Contents: Equatable {
    private enum Content: Equatable {
        case document(Secret)
        case problem(String)

        static func == (left: Content, right: Content) -> Bool {
            switch (left, right) {
            case (.document(let left), .document(let right)): left.isEqual(to: right)
            case (.problem(let left), .problem(let right)): left == right
            case (.document, .problem), (.problem, .document): false
            }
        }
    }

    private var files: [String: Content] = [:]

    init() {}

    init(_ settings: AgentSettings) {
        do throws(AccountFiles.Problem) {
            for path in try settings.paths() { files[path] = Self.content(of: path) }
        } catch {
            files[error.path] = .problem(error.failure.message)
        }
    }

    private static func content(of path: String) -> Content {
        do throws(AccountFiles.Problem) {
            return .document(try AccountFiles.read(path))
        } catch {
            return .problem(error.failure.message)
        }
    }
}
