import Agent
import Federation
import Kernel
import Outputs
import Text

/// What is on the disk of what the running agent has delivered.
struct DeliverySteps {
    let account: Account
    let found: AgentPlace.Finding

    /// Seconds within which an agent puts back what others have changed.
    private static let repairTime = 1.5

    func steps() async throws -> [StepReport] {
        guard let status = found.status else {
            return [.skipped(.delivery, "no agent serves the account")]
        }
        let told = status.outputs
        var steps: [StepReport] = []
        let rivals = await rivals()
        for output in account.outputs(in: found.directory) {
            if let rival = rivals[output.path] {
                steps.append(rival)
                continue
            }
            let report = told.first { $0.path == output.path }
            steps.append(try await step(output, report))
        }
        return steps
    }

    /// What to do about a delivery that failed, by what stands there now.
    private func advice(_ output: Output) -> String? {
        do throws(OutputError) {
            _ = try output.examine(as: found.user, isServed: true)
            return "nothing is in its way any more: wif-agent refresh delivers again"
        } catch {
            return error.failure.hint
        }
    }

    /// By path: that an agent of another directory delivers to an output, too.
    private func rivals() async -> [String: StepReport] {
        var found: [String: StepReport] = [:]
        for other in StrayAgent.all(besides: [self.found.directory]) {
            let agent = AgentClient.named(other.directory)
            guard case .success(let report) = await agent.status(timeout: AgentClient.patience)
            else { continue }
            for account in report.accounts {
                for path in account.outputs.map(\.path) {
                    found[path] = .failed(
                        .delivery,
                        .misconfigured,
                        "another agent writes there, too: process \(other.processID) in"
                            + " \(other.directory.printable), for \(account.file.printable); the file holds now"
                            + " one credential, now the other",
                        hint:
                            "stop that agent (kill \(other.processID), or its unit), or give one of the two"
                            + " another path",
                        about: path
                    )
                }
            }
        }
        return found
    }

    private func step(_ output: Output, _ report: OutputStatus?) async throws -> StepReport {
        if let error = report?.error {
            return .failed(
                .delivery,
                .misconfigured,
                error,
                hint: advice(output),
                about: output.path
            )
        }
        guard let report else {
            return .skipped(.delivery, "nothing has been delivered yet", about: output.path)
        }
        guard output.secret == nil else {
            return .ok(.delivery, "the agent has written it", about: output.path)
        }
        let facts: FileFacts
        do throws(Errno) {
            facts = try FileFacts(at: output.path)
        } catch {
            return .failed(
                .delivery,
                .misconfigured,
                "what the agent has delivered is not there: \(error)",
                hint:
                    "somebody removed it: the agent writes it again within a second; if it does not,"
                    + " wif-agent refresh does",
                about: output.path
            )
        }
        if let mode = output.wantedMode, facts.mode & 0o777 != mode {
            return .failed(
                .delivery,
                .misconfigured,
                "has the mode \(facts.modeText), and 0\(String(mode, radix: 8)) was asked for",
                hint:
                    "somebody changed it: the agent writes it again within a second; if it does not,"
                    + " wif-agent refresh does",
                about: output.path
            )
        }
        if let step = try await contentStep(output, report, facts) { return step }
        if let step = refusalStep(report) { return step }
        let owner = userDescription(facts.owner)
        let text = "\(facts.kind.rawValue), mode \(facts.modeText), owner \(owner)"
        return .ok(.delivery, text, about: output.path)
    }

    /// Seconds for which a reader that was refused is told of.
    private static let refusalTime = 3600.0

    private func refusalStep(_ report: OutputStatus) -> StepReport? {
        guard let refusal = report.lastRefusal, let date = refusal.date,
            WallTime.now.seconds(since: date) < Self.refusalTime
        else { return nil }
        return .warning(
            .delivery,
            "\(refusal.user.printable) was refused at \(rfc3339(date)): \(refusal.error.printable)",
            hint: refusal.hint,
            about: report.path
        )
    }

    // MARK: Content

    /// What is wrong with what a file holds: the agent is asked for the credential, as `get` asks, and the
    /// two are compared here. A difference may be of a moment, at a refresh or while the agent puts the
    /// file back: it is looked at once more after that time.
    private func contentStep(
        _ output: Output,
        _ report: OutputStatus,
        _ facts: FileFacts
    ) async throws -> StepReport? {
        guard case .file(let format, _) = output.kind, facts.kind == .regular,
            report.content == format.rawValue,
            await isOther(output.path, format)
        else { return nil }
        let end = BootInstant.now.advanced(bySeconds: Self.repairTime)
        try await SystemTimekeeper().sleep(until: end)
        let hint =
            "somebody else writes there: give the output a path that the agent alone writes; fuser -v and"
            + " auditctl -w tell who"
        guard await isOther(output.path, format) else {
            return .warning(
                .delivery,
                "held something else than what the agent delivered, and is whole again",
                hint: hint,
                about: output.path
            )
        }
        return .failed(
            .delivery,
            .misconfigured,
            "holds something else than what the agent delivered",
            hint: "wif-agent refresh writes it again; \(hint)",
            about: output.path
        )
    }

    /// Whether the file holds other bytes than the agent's present credential; never where that cannot be
    /// told.
    private func isOther(_ path: String, _ format: Format) async -> Bool {
        guard let credential = await found.credential() else { return false }
        do {
            let expected = try format.rendered(credential, for: account).bytes
            var held = try readFile(path, limit: 1 << 20).bytes
            var wanted = expected.bytes
            defer {
                wipe(&held)
                wipe(&wanted)
            }
            return held != wanted
        } catch {
            return false
        }
    }
}

extension Output {
    /// The permission bits that were asked for; `nil` for a directory of files.
    fileprivate var wantedMode: UInt32? {
        switch kind {
        case .file(_, let options): options.mode
        case .socket(_, let access): access.effectiveMode
        case .directory, .kubernetesSecret: nil
        }
    }
}
