import Federation
import Kernel
import Outputs
import Synchronization

/// The outputs of one account, of which another version's may take the place while they are served.
final class ServedOutputs: Sendable {
    /// Outputs, and what ends their service.
    private struct Service {
        let outputs: any CredentialOutputs
        let end = Wakeup()
    }

    private let open: AccountLoop.OpenOutputs
    private let service: Mutex<Service>

    /// - Throws: `OutputError` of an output that cannot be opened.
    init(of account: Account, open: @escaping AccountLoop.OpenOutputs) throws(OutputError) {
        self.open = open
        service = Mutex(Service(outputs: try open(account)))
    }

    /// Those that are delivered to now.
    var present: any CredentialOutputs { service.withLock(\.outputs) }

    /// Serves the present ones until others take their place, and calls `onDamage` each time somebody
    /// has damaged what was delivered.
    func serve(onDamage: @escaping @Sendable () -> Void) async {
        let service = service.withLock(\.self)
        await withTaskGroup { group in
            group.addTask { await service.outputs.run() }
            group.addTask {
                do {
                    while true {
                        try await service.outputs.damage()
                        onDamage()
                    }
                } catch {
                    // Cancelled with everything else.
                }
            }
            await service.end.wait()
            group.cancelAll()
        }
    }

    /// Closes the present ones and opens those of another version; where that fails, those of the
    /// version in force once more. What was opened is to be served by the caller.
    func replace(with account: Account, orAgain former: Account) async -> AccountLife.Opening {
        let old = service.withLock(\.self)
        await old.outputs.close(removing: false)
        old.end.ring()
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
        service.withLock { $0 = Service(outputs: outputs) }
    }
}
