internal import Federation
internal import Outputs
internal import Platform

/// Which accounts run: loads the files, starts and stops their loops, keeps what works when a file
/// no longer does.
struct Roster {
    private let settings: AgentSettings
    private let surroundings: AccountLoop.Surroundings
    private let board: Board
    private let keeper: CredentialKeeper?
    private let handedOver: HandedOverSockets
    private let log: Log
    private(set) var loops: [String: AccountLoop] = [:]
    private(set) var rejections: [String: AccountFiles.Problem] = [:]

    init(
        settings: AgentSettings,
        surroundings: AccountLoop.Surroundings,
        board: Board,
        keeper: CredentialKeeper?,
        handedOver: HandedOverSockets
    ) {
        self.settings = settings
        self.surroundings = surroundings
        self.board = board
        self.keeper = keeper
        self.handedOver = handedOver
        log = surroundings.log
    }

    /// Brings the running loops in line with the files: those whose file did not change go on
    /// undisturbed, and those whose file is no longer usable go on with its last good version.
    ///
    /// - Parameter start: runs a loop until it stops.
    mutating func reload(start: (AccountLoop) -> Void) async {
        let rejectedBefore = rejections.keys.sorted()
        rejections = [:]
        var seen: Set<String> = []
        for path in currentPaths() {
            do throws(AccountFiles.Problem) {
                let account = try load(path)
                guard seen.insert(account.name).inserted else {
                    throw duplicate(account)
                }
                try await take(account, start)
            } catch {
                reject(error)
                // What runs under that file's name stays.
                if let loop = loops.values.first(where: { $0.account.path == path }) {
                    seen.insert(loop.account.name)
                }
            }
        }
        for (name, loop) in loops where !seen.contains(name) {
            await stop(loop, forGood: true)
            loops[name] = nil
            log(.info, .removed, ["account": name])
        }
        for path in rejectedBefore where rejections[path] == nil {
            let failures = log.end(.rejected, about: path)
            log(.info, .resolved, ["file": path, "failures": "\(failures)"])
        }
        board.set(
            Array(loops.values),
            rejections.values.map { Board.Rejection(path: $0.path, failure: $0.failure) }
        )
    }

    private mutating func currentPaths() -> [String] {
        do throws(AccountFiles.Problem) {
            return try settings.paths()
        } catch {
            reject(error)
            return settings.files + loops.values.map(\.account.path)
        }
    }

    private func load(_ path: String) throws(AccountFiles.Problem) -> Account {
        let account = try AccountFiles.load(path, environment: settings.environment)
        do throws(AccountError) {
            return try settings.applied(to: account)
        } catch {
            throw AccountFiles.Problem(path: path, failure: error.failure, isUnreadable: false)
        }
    }

    private mutating func take(
        _ account: Account,
        _ start: (AccountLoop) -> Void
    ) async throws(AccountFiles.Problem) {
        let running = loops[account.name]
        if let running, running.account.document.isEqual(to: account.document),
            running.account.path == account.path
        {
            return
        }
        for warning in account.warnings {
            log(.warning, .warning, ["account": account.name, "error": warning])
        }
        if let running { await stop(running) }
        do throws(OutputError) {
            let loop = try makeLoop(for: account, inheriting: running?.legacy)
            loops[account.name] = loop
            start(loop)
            log(.info, running == nil ? .loaded : .reloaded, ["account": account.name])
        } catch {
            if let running { try await restore(running, start) }
            throw AccountFiles.Problem(
                path: account.path,
                failure: error.failure,
                isUnreadable: false
            )
        }
    }

    /// Puts the last good version back in place, since the new one's outputs cannot be opened.
    private mutating func restore(
        _ old: AccountLoop,
        _ start: (AccountLoop) -> Void
    ) async throws(AccountFiles.Problem) {
        do throws(OutputError) {
            let loop = try makeLoop(for: old.account, inheriting: old.legacy)
            loops[old.account.name] = loop
            start(loop)
        } catch {
            loops[old.account.name] = nil
            throw AccountFiles.Problem(
                path: old.account.path,
                failure: error.failure,
                isUnreadable: false
            )
        }
    }

    private func makeLoop(
        for account: Account,
        inheriting legacy: AccountLoop.Legacy?
    ) throws(OutputError) -> AccountLoop {
        var patience = CredentialSocket.Patience()
        patience.hold = settings.hold
        let (log, name) = (log, account.name)
        let outputs = try OutputSet(
            account: account,
            runtimeDirectory: settings.runtimeDirectory,
            handedOver: handedOver.sockets(for: name),
            patience: patience,
            timekeeper: surroundings.timekeeper
        ) { path, event in
            event.log(to: log, account: name, path: path)
        }
        return AccountLoop(
            account: account,
            outputs: outputs,
            keeper: keeper,
            inheriting: legacy,
            in: surroundings
        )
    }

    /// Ends every loop; credentials are revoked where their accounts ask for that.
    func shutDown() async {
        await withDiscardingTaskGroup { group in
            for loop in loops.values { group.addTask { await stop(loop, forGood: true) } }
        }
    }

    private func stop(_ loop: AccountLoop, forGood: Bool = false) async {
        loop.stop(forGood: forGood)
        await loop.waitUntilStopped()
    }

    private mutating func reject(_ problem: AccountFiles.Problem) {
        rejections[problem.path] = problem
        log(
            .error,
            .rejected,
            about: problem.path,
            [
                "file": problem.path, "error": problem.failure.message,
                "hint": problem.failure.hint,
            ]
        )
    }

    private func duplicate(_ account: Account) -> AccountFiles.Problem {
        let failure = Failure(
            .misconfigured,
            at: .account,
            "account file \(account.path.printable): the account \"\(account.name)\" is there already",
            hint: "an account's name is its file's base name; rename one of the files"
        )
        return AccountFiles.Problem(path: account.path, failure: failure, isUnreadable: false)
    }
}

extension SocketEvent {
    fileprivate func log(to log: Log, account: String, path: String) {
        let place = "\(account) \(path)"
        switch self {
        case .delivered(let uid, let unit):
            log(
                .info,
                .socketDelivered,
                ["account": account, "path": path, "uid": "\(uid)", "unit": unit]
            )
        case .refused(let uid, let reason, let count):
            log(
                .warning,
                .socketRefused,
                [
                    "account": account, "path": path, "uid": "\(uid)", "error": reason,
                    "count": "\(count)",
                ]
            )
        case .heldTooLong(let uid):
            log(
                .warning,
                .socketHeldTooLong,
                about: place,
                ["account": account, "path": path, "uid": "\(uid)"]
            )
        case .stalled(let uid, let unit):
            log(
                .warning,
                .socketStalled,
                about: place,
                ["account": account, "path": path, "uid": "\(uid)", "unit": unit]
            )
        case .paused(let reason):
            log(
                .error,
                .socketPaused,
                about: place,
                ["account": account, "path": path, "error": reason]
            )
        }
    }
}
