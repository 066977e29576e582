internal import Federation
internal import FoundationEssentials
internal import Platform

extension Board {
    /// The metrics in Prometheus' text format, version 0.0.4.
    package func metrics() -> String {
        let now = timekeeper.now
        let states = loops.map { (name: $0.account.name, state: $0.snapshot) }
        var page = MetricsPage()
        page.family("wif_agent_build_info", "gauge", "The program's version.") {
            [(["version": programVersion], 1)]
        }
        page.family("wif_agent_ready", "gauge", "Whether every account is ready.") {
            [([:], isReady ? 1 : 0)]
        }
        page.family("wif_agent_rejected_files", "gauge", "Account files that cannot be used.") {
            [([:], Double(rejections.count))]
        }
        page.family("wif_agent_account_ready", "gauge", "Whether the account is ready.") {
            states.map { (["account": $0.name], $0.state.isReady(at: now) ? 1 : 0) }
        }
        page.family(
            "wif_agent_credential_expiry_timestamp_seconds",
            "gauge",
            "When the present credential expires, in the service's time."
        ) {
            states.compactMap { name, state in
                state.credential.map { (["account": name], $0.expiresAt.timeIntervalSince1970) }
            }
        }
        page.family("wif_agent_refreshes_total", "counter", "Credentials obtained.") {
            states.map { (["account": $0.name], Double($0.state.refreshes)) }
        }
        page.family("wif_agent_refresh_failures_total", "counter", "Failed attempts by class.") {
            states.flatMap { name, state in
                Failure.Class.allCases.map { `class` in
                    let labels = ["account": name, "class": `class`.rawValue]
                    return (labels, Double(state.failures[`class`] ?? 0))
                }
            }
        }
        addCounts(states, to: &page)
        return page.text
    }

    private func addCounts(
        _ states: [(name: String, state: AccountState)],
        to page: inout MetricsPage
    ) {
        page.family("wif_agent_hook_failures_total", "counter", "Hooks that failed.") {
            states.map { (["account": $0.name], Double($0.state.hookFailures)) }
        }
        page.revocations(states)
        page.workers(counts)
    }
}

private struct MetricsPage {
    var text = ""

    mutating func family(
        _ name: String,
        _ type: String,
        _ help: String,
        samples: () -> [(labels: [String: String], value: Double)]
    ) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        let lines = samples().map { labels, value in
            let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }
            let suffix = pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
            return "\(name)\(suffix) \(value)\n"
        }
        text += lines.sorted().joined()
    }
}

extension MetricsPage {
    fileprivate mutating func revocations(_ states: [(name: String, state: AccountState)]) {
        family("wif_agent_revocations_total", "counter", "Credentials revoked.") {
            states.map { (["account": $0.name], Double($0.state.revocations.revoked)) }
        }
        family("wif_agent_revocation_failures_total", "counter", "Revocations that failed.") {
            states.map { (["account": $0.name], Double($0.state.revocations.failures)) }
        }
        family("wif_agent_revocations_pending", "gauge", "Credentials that await revocation.") {
            states.map { (["account": $0.name], Double($0.state.revocations.entries.count)) }
        }
    }

    fileprivate mutating func workers(_ counts: Board.Counts) {
        family("wif_agent_workers_started_total", "counter", "Worker processes started.") {
            [([:], Double(counts.workersStarted))]
        }
        family("wif_agent_workers_died_total", "counter", "Workers that died with jobs.") {
            [([:], Double(counts.workersDied))]
        }
        family("wif_agent_socket_events_total", "counter", "What happened at the sockets.") {
            counts.readers.flatMap { account, results in
                results.map { (["account": account, "event": $0.key], Double($0.value)) }
            }
        }
    }
}
