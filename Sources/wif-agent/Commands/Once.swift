import Agent
import Federation
import Kernel
import Outputs

/// Delivers one credential to every file output of every account; the exit code is that of the
/// first account that failed.
func deliverOnce(_ settings: AgentSettings, _ invocation: Invocation) async throws -> Int32 {
    let timeout = try invocation.timeout
    let paths: [String]
    do throws(AccountFiles.Problem) {
        paths = try settings.paths()
    } catch {
        throw CommandFailure(error)
    }
    guard !paths.isEmpty else {
        throw CommandFailure.noAccountFile(
            in: settings.directory ?? AccountChoice.standardDirectory
        )
    }
    return try await DirectExchange.withWorkers(invocation) { worker in
        await withTaskGroup(of: Int32.self) { group in
            for path in paths {
                group.addTask { await deliver(path, settings, timeout, worker) }
            }
            return await group.reduce(0) { $0 == 0 ? $1 : $0 }
        }
    }
}

private func deliver(
    _ path: String,
    _ settings: AgentSettings,
    _ timeout: Double,
    _ worker: any ExchangeWorker
) async -> Int32 {
    do {
        let account = try onceAccount(path, settings)
        let outputs = try OutputSet(
            account: account,
            runtimeDirectory: settings.runtimeDirectory,
            applySecret: SecretApplier(worker).apply
        )
        let result = await DirectExchange.retrying(for: account, timeout: timeout) {
            await worker.run(.exchange, for: account, within: $0)
        }
        let credential = try result.get()
        for report in await outputs.deliver(credential) {
            for warning in report.warnings { writeToStandardError("warning: \(warning)\n") }
            if let failure = report.failure { throw CommandFailure(failure) }
        }
        tellWhatRevokes(account)
        return 0
    } catch let error as CommandFailure {
        complain(error.failure.message, hint: error.failure.hint)
        return error.exitCode
    } catch let error as AccountFiles.Problem {
        complain(error.failure.message, hint: error.failure.hint)
        return error.exitCode
    } catch let error as OutputError {
        complain(error.failure.message, hint: error.failure.hint)
        return error.failure.exitCode
    } catch {
        complain("\(error)", hint: nil)
        return 75
    }
}

/// The account with its file outputs alone: nobody would be left to serve a socket.
private func onceAccount(_ path: String, _ settings: AgentSettings) throws -> Account {
    let account = try AccountFiles.load(path, environment: settings.environment)
    let applied: Account
    do throws(AccountError) {
        applied = try settings.applied(to: account)
    } catch {
        throw CommandFailure(error.failure)
    }
    let files = applied.configuredOutputs.filter { !$0.isSocket }
    guard !files.isEmpty else {
        throw CommandFailure(
            Failure(
                .misconfigured,
                at: .account,
                "account \(account.name) has no file output, and --once serves no sockets",
                hint: "give one with --output FORMAT:PATH or in the account file"
            )
        )
    }
    return applied.replacingOutputs(files)
}
