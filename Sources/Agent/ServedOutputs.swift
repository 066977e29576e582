import Federation
import Kernel
import Outputs
import Synchronization

/// The outputs of one account, of which another version's may take the place while they are served.
final class ServedOutputs: Sendable {
    private struct State {
        var outputs: any CredentialOutputs
        /// Something was done about them that nobody has looked at.
        var isTouched = true
        var isLookedAt = false
    }

    private let open: AccountLoop.OpenOutputs
    private let wakeup: Wakeup
    private let state: Mutex<State>

    /// - Parameter wakeup: rung when ``takeTouch()`` has something to take.
    /// - Throws: `OutputError` of an output that cannot be opened.
    init(
        of account: Account,
        open: @escaping AccountLoop.OpenOutputs,
        wakeup: Wakeup
    ) throws(OutputError) {
        self.open = open
        self.wakeup = wakeup
        state = Mutex(State(outputs: try open(account)))
    }

    /// Those that are delivered to now.
    var present: any CredentialOutputs { state.withLock(\.outputs) }

    /// Has the present ones tell what is done about them, until they are closed.
    func listen() {
        present.listen { [self] in touch() }
    }

    private func touch() {
        state.withLock { $0.isTouched = true }
        wakeup.ring()
    }

    /// Whether something was done about the outputs and nobody looks: ``look()`` is to follow.
    func takeTouch() -> Bool {
        state.withLock { state in
            guard state.isTouched, !state.isLookedAt else { return false }
            (state.isTouched, state.isLookedAt) = (false, true)
            return true
        }
    }

    /// Whether what was delivered to the present ones has been damaged.
    func look() async -> Bool {
        let isDamaged = await present.look()
        let isTouched = state.withLock { state in
            state.isLookedAt = false
            // What is damaged is watched in another way.
            if isDamaged { state.isTouched = true }
            return state.isTouched
        }
        if isTouched { wakeup.ring() }
        return isDamaged
    }

    /// Closes the present ones and opens those of another version; where that fails, those of the
    /// version in force once more.
    func replace(with account: Account, orAgain former: Account) async -> AccountLife.Opening {
        await present.close(removing: false)
        do throws(OutputError) {
            try use(account)
            return .opened([])
        } catch let first {
            do throws(OutputError) {
                try use(former)
                return .reverted(first.failure)
            } catch {
                return .lost(first.failure)
            }
        }
    }

    private func use(_ account: Account) throws(OutputError) {
        let outputs = try open(account)
        state.withLock { $0.outputs = outputs }
        listen()
        touch()
    }
}
