import Federation
import Kernel
import Synchronization

/// What an account's output holds at present, as far as this process knows.
enum Holding: Sendable {
    /// Nothing was delivered, or what was delivered was taken back.
    case nothing
    case credential(OutputReport)
    /// The delivery failed, or what was delivered is not there any more.
    case lost
}

/// Whom to tell that something was done about the outputs, or that they are to be looked at in another way.
final class Touches: Sendable {
    private struct State {
        var listener: (@Sendable () -> Void)?
        /// A look that is due without having been told of anything.
        var alarm: Alarm?
    }

    private let state = Mutex(State())

    func listen(_ listener: @escaping @Sendable () -> Void) {
        state.withLock { $0.listener = listener }
    }

    func tell() { state.withLock(\.listener)?() }

    func tell(at instant: BootInstant, on timekeeper: any Timekeeper) {
        let alarm = timekeeper.alarm(at: instant) { [weak self] in self?.tell() }
        let former = state.withLock { state in
            defer { state.alarm = alarm }
            return state.alarm
        }
        former?.cancel()
    }

    /// Tells once more, and never again.
    func end() {
        let last = state.withLock { state in
            defer { state = State() }
            return state
        }
        last.alarm?.cancel()
        last.listener?()
    }
}

extension OutputSet {
    /// Seconds between two looks where the kernel gives no means to be told of changes.
    private static let lookInterval = 10.0

    /// Has `touched` called when something is done about the outputs, until they are closed: ``look()`` is
    /// to follow. It may be called on any thread, and must not block.
    package func listen(_ touched: @escaping @Sendable () -> Void) {
        touches.listen(touched)
    }

    /// Looks whether each output holds what was delivered to it, and watches them all until the next look;
    /// where something is being done it waits until that has come to rest. Socket files that have vanished
    /// while there is no credential are made anew.
    ///
    /// What this set does itself is no damage. Nothing wakes up while nothing is done (inotify); where the
    /// kernel cannot watch, a look every 10 s is asked for.
    /// - Returns: whether an output does not hold any more what was delivered, because somebody else removed,
    ///   changed or replaced it, or its directory; or something was done about one that failed.
    ///   ``deliver(_:)`` is to follow, which writes what is damaged and nothing else, and another look. Not where the task
    ///   is cancelled or the outputs are closed. One at a time.
    package func look() async -> Bool {
        do {
            let isLost = lose(try await changes.settled(on: timekeeper))
            if isClosed.withLock(\.self) { return false }
            if !watch() {
                let next = timekeeper.now.advanced(bySeconds: Self.lookInterval)
                touches.tell(at: next, on: timekeeper)
            }
            let isDamaged = await lock.withLock { await examine() }
            return isLost || isDamaged
        } catch {
            return false
        }
    }

    private func watch() -> Bool {
        var watched: [(path: String, interest: PathWatch.Interest)] = []
        let holdings = holdings.withLock(\.self)
        for (holding, (_, place)) in zip(holdings, places) {
            switch (place, holding) {
            case (.socket(let socket), _): watched += socket.watched
            case (_, .nothing), (.secret, _): break
            case (.file(let file, _), _): watched += file.watched
            case (.directory(let directory, _), .lost): watched += directory.watchedInTheWay
            case (.directory(let directory, _), .credential): watched += directory.watched
            }
        }
        do throws(Errno) {
            try changes.watch(watched)
            return true
        } catch {
            return false
        }
    }

    /// Looks at everything that is to hold something; whether anything does not.
    private func examine() async -> Bool {
        var isDamaged = examineSockets()
        for index in places.indices where isToBeExamined(index) {
            if await holdsCredential(index) { continue }
            holdings.withLock { $0[index] = .lost }
            isDamaged = true
        }
        return isDamaged && hasCredential
    }

    private var hasCredential: Bool { credential.withLock { $0 != nil } }

    private func examineSockets() -> Bool {
        var isDamaged = false
        for (index, (_, place)) in places.enumerated() {
            guard case .socket(let socket) = place else { continue }
            if case .lost = holdings.withLock({ $0[index] }) { continue }
            if socket.isInPlace || (!hasCredential && restores(socket)) { continue }
            holdings.withLock { $0[index] = .lost }
            isDamaged = true
        }
        return isDamaged
    }

    /// Whether it is no socket, and was delivered to.
    private func isToBeExamined(_ index: Int) -> Bool {
        if case .socket = places[index].place { return false }
        guard case .credential = holdings.withLock({ $0[index] }) else { return false }
        return hasCredential
    }

    private func holdsCredential(_ index: Int) async -> Bool {
        guard let credential = credential.withLock(\.self) else { return true }
        return await holds(credential, places[index].output, places[index].place)
    }

    private func restores(_ socket: CredentialSocket) -> Bool {
        do throws(OutputError) {
            try socket.restore()
            return true
        } catch {
            return false
        }
    }

    /// Whether one of the paths concerns an output that is lost.
    private func lose(_ touched: Set<String>) -> Bool {
        let hasCredential = hasCredential
        return holdings.withLock { holdings in
            var isConcerned = false
            for (index, (_, place)) in places.enumerated() {
                guard case .lost = holdings[index],
                    place.watchedInTheWay.contains(where: { touched.contains($0.path) })
                else { continue }
                // Without a credential there is only a socket file to be made anew.
                if !hasCredential { holdings[index] = .nothing }
                isConcerned = true
            }
            return isConcerned && hasCredential
        }
    }

    /// Whether an output still holds the credential, as it was delivered.
    func holds(_ credential: Credential, _ output: Output, _ place: Place) async -> Bool {
        switch place {
        case .socket(let socket): return socket.isInPlace
        // The cluster is not asked: what somebody changes there is put back at the next refresh.
        case .secret: return true
        case .directory(let directory, _):
            let account = account
            return await offPool { directory.holds(credential, for: account) }
        case .file(let file, _):
            do throws(OutputError) {
                let bytes = try rendered(credential, output).bytes
                return await offPool { file.holds(bytes) }
            } catch {
                return false
            }
        }
    }
}

extension OutputSet.Place {
    fileprivate var watchedInTheWay: [(path: String, interest: PathWatch.Interest)] {
        switch self {
        case .file(let file, _): file.watched
        case .directory(let directory, _): directory.watchedInTheWay
        case .socket(let socket): socket.watched
        case .secret: []
        }
    }
}
