package import Federation
package import Kernel
import Synchronization

/// A Unix socket that writes the present credential to everyone who may have it, and closes.
///
/// Peers whom the kernel's buffer serves at once never leave the poller's thread; those that must
/// wait, for a credential or for room in their buffer, are kept in a table.
package final class CredentialSocket: Sendable {
    /// How long peers are put up with, in seconds.
    package struct Patience: Sendable {
        /// For a credential, unless the peer names a unit.
        package var hold = 90.0
        /// For a peer to read what it was sent.
        package var send = 30.0

        package init() {}
    }

    package let path: String
    private let access: SocketAccess
    /// Another one once the socket file had to be made anew.
    private let present: Mutex<UnixListener>
    var listener: UnixListener { present.withLock(\.self) }
    private let gate: SocketGuard
    private let patience: Patience
    private let timekeeper: any Timekeeper
    private let isOwnDescendant: @Sendable (Int32) -> Bool
    private let report: @Sendable (SocketEvent) -> Void
    let state = Mutex(SocketState())

    /// Opens the socket, or takes over one that listens already, and serves it until ``close()``.
    ///
    /// A connection that `isOwnDescendant` tells of gets no credential; so a test's child may read one.
    /// `report` is called on the poller's thread or that of ``set(_:expiry:)`` and must not block.
    /// - Throws: ``OutputError``.
    package init(
        path: String,
        access: SocketAccess,
        adopting handedOver: Int32? = nil,
        patience: Patience = Patience(),
        timekeeper: any Timekeeper = SystemTimekeeper(),
        isOwnDescendant: @escaping @Sendable (Int32) -> Bool = peerDescendsFromHere,
        report: @escaping @Sendable (SocketEvent) -> Void = { _ in }
    ) throws(OutputError) {
        self.path = path
        self.isOwnDescendant = isOwnDescendant
        self.access = access
        self.patience = patience
        self.timekeeper = timekeeper
        self.report = report
        let listener = try openListener(path, access, adopting: handedOver)
        do throws(OutputError) {
            gate = try SocketGuard(access, owner: listener.owner, path: path)
        } catch {
            listener.close()
            throw error
        }
        present = Mutex(listener)
        doWhatIsDue()
    }

    /// The socket file as it was made; `nil` for one that was handed over.
    var facts: FileFacts? { listener.facts }

    /// Whether the socket file is where clients look for it, and as it was made.
    var isInPlace: Bool { state.withLock { $0.isClosed } || listener.isInPlace }

    /// Makes the socket file anew where ``isInPlace`` says no; those who are connected stay.
    /// - Throws: ``OutputError``; what there was goes on being served, if it is still there.
    func restore() throws(OutputError) {
        let old = listener
        guard !isInPlace else { return }
        // Not before it is known that another one may stand there.
        _ = try openDirectory(path, access)
        old.removeFile()
        let new = try openListener(path, access, adopting: nil)
        present.withLock { $0 = new }
        state.withLock { state in
            state.listening?.cancel()
            state.listening = nil
        }
        old.close()
        doWhatIsDue()
    }

    /// Where a change of the socket file shows.
    var watched: [(path: String, interest: PathWatch.Interest)] {
        listener.facts == nil ? [] : [(path, .file), (splitPath(path).directory, .file)]
    }

    /// What has been done so far.
    package var counts: SocketCounts {
        state.withLock { state in
            var counts = state.counts
            counts.waiting = state.waiting.count
            return counts
        }
    }

    /// Makes this the credential that is served until `expiry`, and serves those that wait for one;
    /// `nil` makes peers wait.
    package func set(_ credential: Secret?, expiry: BootInstant? = nil) {
        let now = timekeeper.now
        let released = state.withLock { state in
            state.replace(credential, expiry)
            guard state.credential(at: now) != nil else { return [SocketState.Entry]() }
            return state.takeAll { $0.rest == nil }
        }
        guard let credential else { return }
        for entry in released { serve(entry.connection, credential, from: 0) }
        doWhatIsDue()
    }

    /// Hangs up on those that wait, stops listening and removes the socket file.
    package func close() {
        let dropped = state.withLock { state in
            state.listening?.cancel()
            state.alarm?.call.cancel()
            state.isClosed = true
            return state.takeAll { _ in true }
        }
        listener.close()
        withExtendedLifetime(dropped) {}
    }

    /// Does what is due, and has itself called when more will be; to be called after each change.
    private func doWhatIsDue() {
        let now = timekeeper.now
        giveUp(at: now)
        listen(at: now)
        state.withLock { state in
            let next = state.isClosed ? nil : state.nextDeadline
            guard next != state.alarm?.instant else { return }
            state.alarm?.call.cancel()
            state.alarm = next.map { instant in
                (instant, timekeeper.alarm(at: instant) { [weak self] in self?.doWhatIsDue() })
            }
        }
    }

    private func listen(at now: BootInstant) {
        state.withLock { state in
            guard state.listening == nil, !state.isClosed, !state.isCrowded,
                state.pausedUntil.map({ $0 <= now }) ?? true
            else { return }
            state.pausedUntil = nil
            do throws(Errno) {
                state.listening = try Poller.shared.watch(listener.raw) { [weak self] in
                    self?.acceptBatch()
                }
            } catch {
                state.pausedUntil = now.advanced(bySeconds: Self.pause)
            }
        }
    }

    /// Seconds until a queue that could not be attended to is looked at again.
    private static let pause = 0.1

    /// On the poller's thread, which others need as well: a limited number at a time. Those who wait
    /// leave descriptors to the worker without which they would wait for ever.
    private func acceptBatch() {
        do throws(Errno) { try DescriptorReserve.whole.check() } catch { return pause(error) }
        for _ in 0..<64 {
            guard hasRoom() else { return }
            do throws(Errno) {
                guard let connection = try listener.accept() else { return }
                let raw = connection.descriptor.raw
                attend(connection)
                try DescriptorReserve.whole.check(raw)
            } catch {
                if error.isPassing { return pause(error) }
            }
        }
    }

    /// Whether one more can wait here; those beyond wait in the kernel's queue until one of these is gone,
    /// for a connection that is closed before the credential would look like an empty one.
    private func hasRoom() -> Bool {
        state.withLock { state in
            if state.waiting.count < SocketState.mostWaiting { return true }
            state.listening?.cancel()
            state.listening = nil
            state.isCrowded = true
            return false
        }
    }

    /// Out of descriptors or memory the queue stays readable: looked at again later, not at once.
    private func pause(_ reason: Errno) {
        let until = timekeeper.now.advanced(bySeconds: Self.pause)
        state.withLock { state in
            state.listening?.cancel()
            state.listening = nil
            state.pausedUntil = until
        }
        doWhatIsDue()
        report(.paused(reason: reason.description))
    }

    private func attend(_ connection: consuming UnixListener.Connection) {
        let peer = connection.peer
        let raw = connection.descriptor.raw
        let verdict = gate.judge(peer) { () throws(Errno) in try peerGroups(of: raw) }
        switch verdict {
        case .refused(let reason, let hint): refuse(peer.uid, reason, hint)
        case .allowed where isOwnDescendant(raw):
            refuse(peer.uid, "a process that descends from this agent", nil)
        case .allowed(let unit):
            let now = timekeeper.now
            guard let credential = state.withLock({ $0.credential(at: now) }) else {
                return hold(HeldConnection(connection.takeDescriptor(), uid: peer.uid, unit: unit))
            }
            let rest = send(credential, from: 0, to: raw, peer.uid, unit)
            guard let rest else { return }
            let held = HeldConnection(connection.takeDescriptor(), uid: peer.uid, unit: unit)
            keep(held, credential, from: rest)
        }
    }

    /// Sends what the peer's buffer takes; answers where the rest begins, `nil` if there is none or
    /// the peer has gone.
    private func send(
        _ credential: Secret,
        from start: Int,
        to raw: Int32,
        _ uid: UInt32,
        _ unit: String?
    ) -> Int? {
        let sent: Int?
        do throws(Errno) {
            sent = try unlessBlocked { () throws(Errno) in
                try credential.withBytes { bytes throws(Errno) in
                    try Kernel.send(raw, bytes.extracting(start..<bytes.byteCount))
                }
            }
        } catch {
            state.withLock { $0.counts.abandoned += 1 }
            return nil
        }
        let end = start + (sent ?? 0)
        guard end == credential.count else { return end }
        discardInput(of: raw)
        delivered(uid, unit)
        return nil
    }

    private func delivered(_ uid: UInt32, _ unit: String?) {
        let isFirst = state.withLock { $0.noteDelivery(to: uid, unit) }
        if isFirst { report(.delivered(uid: uid, unit: unit)) }
    }

    private func refuse(_ uid: UInt32, _ reason: String, _ hint: String?) {
        let now = timekeeper.now
        let date = timekeeper.wallClock
        let refusal = SocketRefusal(uid: uid, reason: reason, hint: hint, date: date)
        let count = state.withLock { state in
            state.counts.lastRefusal = refusal
            return state.noteRefusal(of: uid, at: now)
        }
        if let count { report(.refused(uid: uid, reason: reason, hint: hint, count: count)) }
    }

    /// Keeps a peer until there is a credential; serves it if one has come in the meantime.
    private func hold(_ held: HeldConnection) {
        let now = timekeeper.now
        let deadline = held.unit == nil ? now.advanced(bySeconds: patience.hold) : nil
        let entry = SocketState.Entry(connection: held, deadline: deadline)
        let outcome = state.withLock { state in
            if let credential = state.credential(at: now) { return Outcome.serve(credential) }
            let isKept = state.admit(entry) { (id) throws(Errno) in
                try watch(held, id, for: .hangUp)
            }
            return isKept ? .kept : .full
        }
        switch outcome {
        case .serve(let credential): serve(held, credential, from: 0)
        case .kept: doWhatIsDue()
        case .full: refuse(held.uid, "too many of its connections wait already", nil)
        }
    }

    private enum Outcome {
        case serve(Secret)
        case kept
        case full
    }

    /// Sends what the peer's buffer takes, and keeps the peer for the rest.
    private func serve(_ held: HeldConnection, _ credential: Secret, from start: Int) {
        if let rest = send(credential, from: start, to: held.raw, held.uid, held.unit) {
            keep(held, credential, from: rest)
        }
    }

    private func keep(_ held: HeldConnection, _ credential: Secret, from start: Int) {
        let entry = SocketState.Entry(
            connection: held,
            deadline: timekeeper.now.advanced(bySeconds: patience.send),
            rest: .init(credential: credential, start: start)
        )
        let isKept = state.withLock { state in
            state.admit(entry) { (id) throws(Errno) in try watch(held, id, for: .writing) }
        }
        if isKept {
            doWhatIsDue()
        } else {
            refuse(held.uid, "too many of its connections wait", nil)
        }
    }

    private func watch(
        _ held: HeldConnection,
        _ id: UInt64,
        for interest: Poller.Interest
    ) throws(Errno) -> Poller.Watch {
        try Poller.shared.watch(held.raw, for: interest) { [weak self] in self?.isReady(id) }
    }

    /// A peer that waited has hung up, or has room for more.
    private func isReady(_ id: UInt64) {
        guard let entry = state.withLock({ $0.take(id) }) else { return }
        if let rest = entry.rest {
            serve(entry.connection, rest.credential, from: rest.start)
        } else {
            state.withLock { $0.counts.abandoned += 1 }
        }
        doWhatIsDue()
    }

    private func giveUp(at now: BootInstant) {
        let late = state.withLock { state in
            let late = state.takeAll { $0.deadline.map { $0 <= now } ?? false }
            state.counts.timedOut += late.count
            return late
        }
        for entry in late {
            let (uid, unit) = (entry.connection.uid, entry.connection.unit)
            report(entry.rest == nil ? .heldTooLong(uid: uid) : .stalled(uid: uid, unit: unit))
        }
    }
}

private func openListener(
    _ path: String,
    _ access: SocketAccess,
    adopting handedOver: Int32?
) throws(OutputError) -> UnixListener {
    do throws(PathError) {
        if let handedOver {
            return try UnixListener(adopting: FileDescriptor(owning: handedOver))
        }
    } catch {
        throw OutputError(path, error)
    }
    let (_, name) = try parts(of: path)
    let (owner, group) = try resolved(access.owner, access.group, for: path)
    let directory = try openDirectory(path, access)
    do throws(PathError) {
        return try UnixListener(
            binding: name,
            in: directory,
            mode: access.effectiveMode,
            owner: owner,
            group: group
        )
    } catch {
        throw OutputError(path, error)
    }
}

private func openDirectory(
    _ path: String,
    _ access: SocketAccess
) throws(OutputError) -> Directory {
    let (parent, _) = try parts(of: path)
    let (owner, group) = try resolved(access.owner, access.group, for: path)
    do throws(PathError) {
        // A socket for everyone is of no use behind a closed door.
        let mode: UInt32 = access.effectiveMode & 0o007 != 0 ? 0o711 : group == nil ? 0o700 : 0o750
        return try Directory.open(
            parent,
            trust: .of(owner: owner, group: group),
            creating: .init(mode: mode, owner: owner, group: group)
        )
    } catch {
        throw OutputError(path, error)
    }
}
