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

extension OutputSet {
    /// Seconds between two looks where the kernel gives no means to be told of changes.
    private static let lookInterval = 10.0

    /// Returns when an output does not hold any more what was delivered to it, because somebody else
    /// removed, changed or replaced it, or its directory; or when something was done about an output that
    /// failed. ``deliver(_:)`` is to follow, which writes what is damaged and nothing else. Socket files
    /// that vanish while there is no credential are made anew without that.
    ///
    /// What this set does itself is no damage. Nothing wakes up while nothing is done (inotify); where the
    /// kernel cannot watch, the outputs are looked at every 10 s.
    /// - Throws: `CancellationError` where the task is cancelled or the outputs are closed. One waiter at a time.
    package func damage() async throws {
        while true {
            if isClosed.withLock(\.self) { throw CancellationError() }
            let isWatching = watch()
            if await lock.withLock({ await examine() }) { return }
            guard isWatching else {
                let next = timekeeper.now.advanced(bySeconds: Self.lookInterval)
                try await timekeeper.sleep(until: next)
                continue
            }
            let touched = try await changes.next()
            if lose(touched) { return }
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

    // These are not inlined: what they hold would stand in the frame of a task that lives as long as the
    // account.

    @inline(never)
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
    @inline(never)
    private func isToBeExamined(_ index: Int) -> Bool {
        if case .socket = places[index].place { return false }
        guard case .credential = holdings.withLock({ $0[index] }) else { return false }
        return hasCredential
    }

    @inline(never)
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
