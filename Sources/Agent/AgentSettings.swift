package import Federation
import Kernel
import Outputs

/// What `wif-agent run` was asked to do.
package struct AgentSettings: Sendable {
    /// Account files named one by one; absolute.
    package var files: [String] = []
    /// A directory whose `.json` files are all accounts.
    package var directory: String?
    /// Values of `--output`, for the only account.
    package var outputs: [String] = []
    package var runtimeDirectory: String
    /// Where credentials are kept over a restart, in place of `<runtime>/state`.
    package var stateDirectory: String?
    package var adopts = true
    /// Whether an edit of an account file takes effect without a signal.
    package var watches = true
    /// Seconds that a socket holds a reader who comes before the credential.
    package var hold = 90.0
    /// A TCP address for liveness, readiness and metrics.
    package var listen: String?
    package var controlGroup: String?
    /// Seconds after which the service manager is told READY at the latest.
    package var readyTimeout = 60.0
    package var worker: WorkerPlace
    package var environment: [String: String]

    package init(runtimeDirectory: String, worker: WorkerPlace, environment: [String: String]) {
        self.runtimeDirectory = runtimeDirectory
        self.worker = worker
        self.environment = environment
    }

    /// The account files as they are now, the directory's included.
    /// - Throws: ``AccountFiles/Problem`` where the directory cannot be listed.
    package func paths() throws(AccountFiles.Problem) -> [String] {
        guard let directory else { return files }
        return files + (try AccountFiles.list(directory))
    }

    /// What no account's output may take the place of, where these are the account files.
    func protectedPlaces(_ paths: [String]) -> ProtectedPlaces {
        ProtectedPlaces(accountFiles: paths, directories: directory.map { [$0] } ?? [])
    }

    /// The account with the outputs of the command line, if there are any.
    /// - Throws: `AccountError`.
    package func applied(to account: Account) throws(AccountError) -> Account {
        guard !outputs.isEmpty else { return account }
        var parsed: [Output] = []
        for text in outputs {
            let output = try Output(
                parsing: text,
                for: account.service,
                variable: account.variable
            )
            parsed.append(output)
        }
        return account.replacingOutputs(parsed)
    }
}
