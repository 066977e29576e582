import Federation
import Kernel
import Outputs
import Synchronization

/// Runs the accounts of an ``AccountSet``: reads the files, starts, changes and stops loops.
struct Roster {
    private let settings: AgentSettings
    private let dependencies: AccountLoop.Dependencies
    private let board: Board
    private let keeper: CredentialKeeper?
    private let handedOver: HandedOverSockets
    private let log: Log
    private let protected = PlacesAtReload()
    private var accounts = AccountSet()
    private(set) var loops: [String: AccountLoop] = [:]

    init(
        settings: AgentSettings,
        dependencies: AccountLoop.Dependencies,
        board: Board,
        keeper: CredentialKeeper?,
        handedOver: HandedOverSockets
    ) {
        (self.settings, self.dependencies, self.board) = (settings, dependencies, board)
        (self.keeper, self.handedOver) = (keeper, handedOver)
        log = dependencies.log
    }

    /// By path: the account files that cannot be used.
    var rejections: [String: AccountFiles.Problem] { accounts.rejections }

    /// Brings the running loops in line with the files: those whose file did not change go on
    /// undisturbed, and those whose file is no longer usable go on with its last good version.
    ///
    /// - Parameter start: runs a loop until it stops.
    mutating func reload(start: (AccountLoop) -> Void) async {
        var (files, problem) = readFiles()
        protected.places = settings.protectedPlaces(files.map(\.path))
        if let problem {
            files.append(AccountSet.File(path: problem.path, content: .failure(problem)))
        }
        for step in accounts.reload(files) { await perform(step, start) }
        board.set(
            Array(loops.values),
            rejections.values.map { Board.Rejection(path: $0.path, failure: $0.failure) }
        )
    }

    /// The files' contents; where the directory cannot be listed, those of the running accounts' files.
    private func readFiles() -> ([AccountSet.File], AccountFiles.Problem?) {
        var paths: [String]
        var problem: AccountFiles.Problem?
        do throws(AccountFiles.Problem) {
            paths = try settings.paths()
        } catch {
            paths = settings.files + accounts.running.values.sorted()
            problem = error
        }
        let files = paths.map { path in
            AccountSet.File(
                path: path,
                content: Result { () throws(AccountFiles.Problem) in try load(path) }
            )
        }
        return (files, problem)
    }

    private func load(_ path: String) throws(AccountFiles.Problem) -> Account {
        let account = try AccountFiles.load(path, environment: settings.environment)
        do throws(AccountError) {
            return try settings.applied(to: account)
        } catch {
            throw AccountFiles.Problem(path: path, failure: error.failure, isUnreadable: false)
        }
    }

    private mutating func perform(
        _ step: AccountSet.Step,
        _ start: (AccountLoop) -> Void
    ) async {
        switch step {
        case .start(let account):
            warn(of: account)
            if let loop = makeLoop(for: account) {
                loops[account.name] = loop
                start(loop)
                log(.info, .loaded, ["account": account.name])
            }
        case .change(let account):
            guard let loop = loops[account.name] else { return }
            if !loop.ask({ $0.knows(account.document) }) { warn(of: account) }
            if let failure = await loop.change(to: account) {
                tell(accounts.fail(account, failure, isRunning: true))
            }
        case .hold(let name): loops[name]?.fileIsBroken()
        case .stop(let name):
            guard let loop = loops.removeValue(forKey: name) else { return }
            await stop(loop)
            log(.info, .removed, ["account": name])
        case .tellRejection, .tellResolution: tell([step])
        }
    }

    private func warn(of account: Account) {
        for warning in account.warnings {
            log(.warning, .warning, ["account": account.name, "error": warning.text])
        }
    }

    private mutating func makeLoop(for account: Account) -> AccountLoop? {
        let (settings, handedOver, log, protected) = (settings, handedOver, log, protected)
        let clock = dependencies.timekeeper
        let secrets = SecretApplier(dependencies.worker)
        do throws(OutputError) {
            return try AccountLoop(
                account: account,
                openOutputs: { account throws(OutputError) in
                    var patience = CredentialSocket.Patience()
                    patience.hold = settings.hold
                    return try OutputSet(
                        account: account,
                        runtimeDirectory: settings.runtimeDirectory,
                        protected: protected.places,
                        handedOver: handedOver.sockets(for: account.name),
                        patience: patience,
                        timekeeper: clock,
                        applySecret: secrets.apply
                    ) { path, event in
                        event.log(to: log, account: account.name, path: path)
                    }
                },
                keeper: keeper,
                dependencies: dependencies
            )
        } catch {
            tell(accounts.fail(account, error.failure, isRunning: false))
            return nil
        }
    }

    /// Ends every loop; credentials are revoked where their accounts ask for that.
    func shutDown() async {
        await withDiscardingTaskGroup { group in
            for loop in loops.values { group.addTask { await stop(loop) } }
        }
    }

    private func stop(_ loop: AccountLoop) async {
        loop.stop(forGood: true)
        await loop.waitUntilStopped()
    }

    private func tell(_ steps: [AccountSet.Step]) {
        for step in steps {
            switch step {
            case .tellRejection(let problem):
                log(
                    .error,
                    .rejected,
                    about: problem.path,
                    [
                        "file": problem.path, "error": problem.failure.message,
                        "hint": problem.failure.hint,
                    ]
                )
            case .tellResolution(let path):
                let failures = log.end(.rejected, about: path)
                log(.info, .resolved, ["file": path, "failures": "\(failures)"])
            case .start, .change, .hold, .stop: break
            }
        }
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
        case .refused(let uid, let reason, let hint, let count):
            log(
                .warning,
                .socketRefused,
                [
                    "account": account, "path": path, "uid": "\(uid)", "error": reason,
                    "count": "\(count)", "hint": hint,
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

/// What no output may take the place of, as it was at the last reload: each account's outputs are held
/// against it, and all the files are looked at once.
private final class PlacesAtReload: Sendable {
    private let found = Mutex(ProtectedPlaces(accountFiles: [], directories: []))

    var places: ProtectedPlaces {
        get { found.withLock(\.self) }
        set { found.withLock { $0 = newValue } }
    }
}
