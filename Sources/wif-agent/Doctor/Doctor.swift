import Agent
import Federation
import Kernel
import Text

extension Command {
    static let doctor = Command(
        name: "doctor",
        arguments: "[FILE]...",
        summary: "try every step, say what is wrong and what to do",
        details: """
            Every step from the account file to the credential is tried; nothing is delivered or
            changed. Without a file every .json file of /etc/wif-agent is tried. The last line says
            what to do first; the exit code is that of the first step that failed.
            """,
        options: [
            config,
            Option(name: "json", help: "as JSON"),
            Option(
                name: "trust",
                value: "FILE",
                help: "hold the token against this trust file before any exchange"
            ),
            workerSocket,
        ],
        maximalWords: 256,
        run: { invocation in try await doctorCommand(invocation) }
    )
}

private func doctorCommand(_ invocation: Invocation) async throws -> Int32 {
    let trust = try invocation.value("trust").map(trustFile)
    let paths = try accountPaths(invocation)
    let place = try invocation.workerPlace
    let result = try await DirectExchange.withWorkers(invocation) { worker in
        let doctor = Doctor(invocation: invocation, trust: trust, worker: worker, place: place)
        return await examineAll(paths, doctor)
    }
    return try result.get()
}

private func examineAll(
    _ paths: [String],
    _ doctor: Doctor
) async -> Result<Int32, any Error> {
    var output = DoctorOutput(doctor.invocation)
    var deliveries = SharedOutputs()
    do {
        for (index, path) in paths.enumerated() {
            if index == 0 {
                for step in environmentSteps(doctor.invocation) { try output.add(step, of: path) }
            }
            try await doctor.examine(path, &deliveries) { try output.add($0, of: path) }
        }
        try output.finish()
        return .success(output.exitCode)
    } catch {
        return .failure(error)
    }
}

private func accountPaths(_ invocation: Invocation) throws -> [String] {
    let named = AccountChoice.named(invocation, takesWords: true)
    var seen: Set<String> = []
    guard named.isEmpty else { return named.filter { seen.insert($0).inserted } }
    let found: [String]
    do throws(AccountFiles.Problem) {
        found = try AccountFiles.list(AccountChoice.standardDirectory)
    } catch {
        var failure = error.failure
        failure.message += AccountChoice.unusedPathNote(invocation)
        failure.hint = failure.hint ?? "name an account file: wif-agent doctor FILE"
        throw CommandFailure(failure, exitCode: error.exitCode)
    }
    guard !found.isEmpty else {
        var missing = CommandFailure.noAccountFile(in: AccountChoice.standardDirectory)
        missing.failure.message += AccountChoice.unusedPathNote(invocation)
        if AccountFiles.notePassedOver(in: AccountChoice.standardDirectory) == nil {
            missing.failure.hint = "name one: wif-agent doctor FILE"
        }
        throw missing
    }
    return found
}

private func trustFile(_ path: String) throws -> String {
    do throws(ReadFileError) {
        return try readFile(path, limit: 1 << 19).text
    } catch {
        throw CommandFailure(
            Failure(.misconfigured, at: .account, "trust file \(path.printable) \(error)"),
            exitCode: 66
        )
    }
}

/// Tries each account's steps.
private struct Doctor {
    let invocation: Invocation
    let trust: String?
    let worker: any ExchangeWorker
    let place: WorkerPlace
    private let units = InstalledUnits()

    /// Tells of each step as soon as it has been taken.
    func examine(
        _ path: String,
        _ deliveries: inout SharedOutputs,
        _ tell: (StepReport) throws -> Void
    ) async throws {
        let account: Account
        do throws(AccountFiles.Problem) {
            account = try AccountFiles.load(path, environment: invocation.environment)
        } catch {
            let named = AccountChoice.naming(error, invocation)
            var step = StepReport.failed(.account, named.failure)
            step.isUnreadable = error.isUnreadable
            try tell(step)
            for further in furtherErrors(path) { try tell(.failed(.account, further.failure)) }
            return
        }
        try tell(accountStep(account))
        for step in consumerSteps(account, invocation.environment) { try tell(step) }
        if AccountChoice.isStandard(account.path) {
            for step in UnitConsumers(of: account).steps() { try tell(step) }
        }
        for shared in deliveries.add(account) {
            try tell(
                .failed(.output, .misconfigured, shared.text, hint: shared.hint, about: shared.path)
            )
        }
        let program = workerStep()
        try tell(program)
        let found = await AgentPlace(invocation, units).find(account)
        let local = LocalSteps(account: account, found: found, units: units)
        for step in local.steps() { try tell(step) }
        if program.state == .ok {
            let notice = WaitNotice(
                "\(account.service.name) and the token source \(account.tokenSource.name)",
                terminalPatience: WaitNotice.shortPatience
            )
            try await probe(account, notice) { step in
                try notice.interrupted { try tell(step) }
            }
        }
        if program.state == .ok {
            for step in await secretSteps(account) { try tell(step) }
        }
        let delivery = DeliverySteps(account: account, found: found)
        for step in try await delivery.steps() { try tell(step) }
    }

    /// What else is wrong with a file, so that it need not be corrected error by error.
    private func furtherErrors(_ path: String) -> ArraySlice<AccountError> {
        let path = AccountChoice.absolute(path)
        do throws(AccountFiles.Problem) {
            let document = try AccountFiles.read(path)
            return Account.errors(
                in: document,
                path: path,
                environment: invocation.environment
            ).dropFirst()
        } catch {
            return []
        }
    }

    private func accountStep(_ account: Account) -> StepReport {
        let actor = account.actor.map { ", actor token from \($0.source.name)" } ?? ""
        let found =
            "service \(account.service.name), source \(account.tokenSource.name)\(actor)"
        guard account.path.hasSuffix(".json") else {
            let name = splitPath(account.path).name
            return .warning(
                .account,
                "its name, \(name.printable), does not end in .json: wif-agent run --config-dir and the"
                    + " service pass over it",
                hint: "rename it to \(String(name.prefix { $0 != "." }).printable).json"
            )
        }
        if let objection = UnitReading(of: account.path, units).objection { return objection }
        guard !account.warnings.isEmpty else { return .ok(.account, found) }
        let place = "account file \(account.path.printable): "
        let warnings = account.warnings.map {
            $0.text.hasPrefix(place) ? String($0.text.dropFirst(place.count)) : $0.text
        }
        let advice = account.warnings.compactMap(\.hint)
        var step = StepReport.warning(
            .account,
            warnings.joined(separator: "; "),
            hint: advice.isEmpty ? nil : advice.joined(separator: "; ")
        )
        step.explainsFailures = account.warnings.contains { $0.hint != nil && !$0.isDoubt }
        return step
    }

    private func workerStep() -> StepReport {
        do throws(Failure) {
            return .ok(.worker, try place.look())
        } catch {
            return .failed(.worker, error)
        }
    }

    /// Whether the cluster would take what is to be delivered in its Secrets; nothing is changed.
    private func secretSteps(_ account: Account) async -> [StepReport] {
        var steps: [StepReport] = []
        let now = WallTime.now
        for output in account.configuredOutputs {
            guard let secret = output.secret else { continue }
            let look = SecretChange(.look, secret, of: account, issuedAt: now, expiresAt: now)
            switch await SecretApplier(worker).apply(look, for: account) {
            case .success:
                steps.append(
                    .ok(.output, "\(output.word), the cluster takes it", about: output.path)
                )
            case .failure(let failure):
                steps.append(.failed(.output, failure, about: output.path))
            }
        }
        return steps
    }

    /// Has a worker try the steps of the network, and tells of each when it has ended; in the end of those
    /// that it told of in its result alone.
    private func probe(
        _ account: Account,
        _ notice: WaitNotice,
        _ tell: (StepReport) throws -> Void
    ) async throws {
        let (ended, source) = AsyncStream<StepReport>.makeStream()
        async let outcome = notice.during {
            defer { source.finish() }
            let request = JobRequest.probe(trust: trust) { source.yield($0) }
            return await worker.run(request, for: account)
        }
        var told = 0
        for await step in ended {
            try tell(SourceVariables(invocation.environment).explained(step, account))
            told += 1
        }
        switch await outcome.outcome {
        case .success(let steps): for step in steps.dropFirst(told) { try tell(step) }
        case .failure(let failure):
            let isSource = failure.step == .account || failure.step == .subjectToken
            try tell(.failed(isSource ? .source : .worker, failure))
        }
    }
}
