import Federation
import Kernel
import Outputs
import Synchronization

/// The outputs of one account, of which another version's may take the place while they are served.
final class ServedOutputs: Sendable {
    private let open: AccountLoop.OpenOutputs
    private let opened: Mutex<any CredentialOutputs>

    /// - Throws: `OutputError` of an output that cannot be opened.
    init(of account: Account, open: @escaping AccountLoop.OpenOutputs) throws(OutputError) {
        self.open = open
        opened = Mutex(try open(account))
    }

    /// Those that are delivered to now.
    var present: any CredentialOutputs { opened.withLock(\.self) }

    /// Calls `onDamage` each time somebody has damaged what was delivered to the present ones, until others
    /// take their place.
    func watch(onDamage: @escaping @Sendable () -> Void) async {
        let outputs = present
        do {
            while true {
                try await outputs.damage()
                onDamage()
            }
        } catch {
            // Closed, or cancelled with everything else.
        }
    }

    /// Closes the present ones and opens those of another version; where that fails, those of the
    /// version in force once more. What was opened is to be watched by the caller.
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
        opened.withLock { $0 = outputs }
    }
}
