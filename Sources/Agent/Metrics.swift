import Federation
import Kernel
import Outputs

extension Board {
    private typealias Account = (labels: MetricsPage.Labels, loop: AccountLoop, state: AccountLife)

    /// The metrics in Prometheus' text format; wif-agent(1) lists them.
    package func metrics() -> String {
        let accounts = loops.map { (["account": $0.name], $0, $0.snapshot) }
        let counts = counts
        var page = MetricsPage()
        page.gauge(
            "wif_agent_build_info",
            "The program's version.",
            [
                (["version": programVersion], 1)
            ]
        )
        page.gauge("wif_agent_ready", "Whether every account is ready.", [([:], isReady ? 1 : 0)])
        page.gauge(
            "wif_agent_rejected_files",
            "Account files that cannot be used.",
            [
                ([:], Double(rejections.count))
            ]
        )
        addStates(accounts, to: &page)
        addRefreshes(accounts, to: &page)
        addDeliveries(accounts, to: &page)
        addRevocations(accounts, to: &page)
        page.counter(
            "wif_agent_workers_started_total",
            "Workers started.",
            [
                ([:], counts.workersStarted)
            ]
        )
        page.counter(
            "wif_agent_workers_died_total",
            "Workers that died over their jobs.",
            [
                ([:], counts.workersDied)
            ]
        )
        return page.text
    }

    private func addStates(_ accounts: [Account], to page: inout MetricsPage) {
        let now = timekeeper.now
        page.gauge(
            "wif_agent_account_ready",
            "Whether the account has a valid credential in all its outputs.",
            accounts.map { ($0.labels, $0.state.isReady(at: now) ? 1 : 0) }
        )
        page.gauge(
            "wif_agent_account_change_pending",
            "Whether an edited account file waits to come into force.",
            accounts.map { ($0.labels, $0.state.candidate == nil ? 0 : 1) }
        )
        page.gauge(
            "wif_agent_credential_expiry_timestamp_seconds",
            "When the present credential expires, in the service's time.",
            accounts.compactMap { account in
                account.state.credential.map {
                    (account.labels, $0.expiresAt.secondsSinceEpoch)
                }
            }
        )
        page.gauge(
            "wif_agent_credential_lifetime_seconds",
            "How long the present credential lives from its issue on.",
            accounts.compactMap { account in
                account.state.credential.map { (account.labels, $0.lifetime) }
            }
        )
        page.gauge(
            "wif_agent_clock_skew_seconds",
            "The service's clock less this machine's, at the last exchange.",
            accounts.compactMap { account in
                account.state.clockSkew.map { (account.labels, $0) }
            }
        )
    }

    private func addRefreshes(_ accounts: [Account], to page: inout MetricsPage) {
        page.counter(
            "wif_agent_refreshes_total",
            "Credentials obtained.",
            accounts.map { ($0.labels, $0.state.refreshes) }
        )
        page.counter(
            "wif_agent_refresh_failures_total",
            "Failed attempts by class and step.",
            accounts.flatMap { account in
                account.state.failures.sorted { $0.key < $1.key }.map { cause, count in
                    (account.labels.merging(cause.labels) { $1 }, count)
                }
            }
        )
        page.gauge(
            "wif_agent_consecutive_refresh_failures",
            "Attempts that have failed since the last that did not.",
            accounts.map { ($0.labels, Double($0.state.failuresInARow)) }
        )
        page.histogram(
            "wif_agent_refresh_duration_seconds",
            "How long attempts took, failed ones too.",
            accounts.map { ($0.labels, $0.state.attemptDurations) }
        )
    }

    private func addDeliveries(_ accounts: [Account], to page: inout MetricsPage) {
        page.counter(
            "wif_agent_deliveries_total",
            "Deliveries to an output, by what became of them.",
            accounts.flatMap { account in
                account.state.deliveries.sorted { $0.key < $1.key }.flatMap { path, counts in
                    [("ok", counts.ok), ("failed", counts.failed)].map { result, count in
                        (account.labels.merging(["output": path, "result": result]) { $1 }, count)
                    }
                }
            }
        )
        page.histogram(
            "wif_agent_delivery_duration_seconds",
            "How long the delivery to all outputs of an account took.",
            accounts.map { ($0.labels, $0.state.deliveryDurations) }
        )
        page.counter(
            "wif_agent_hook_failures_total",
            "Hooks that failed.",
            accounts.map { ($0.labels, $0.state.hookFailures) }
        )
        addReaders(accounts, to: &page)
    }

    private func addReaders(_ accounts: [Account], to page: inout MetricsPage) {
        let sockets = accounts.flatMap { account in
            account.loop.socketCounts.sorted { $0.key < $1.key }.map { path, counts in
                (labels: account.labels.merging(["output": path]) { $1 }, counts: counts)
            }
        }
        page.counter(
            "wif_agent_socket_readers_total",
            "Readers of a socket output, by what became of them.",
            sockets.flatMap { socket in
                let counts = socket.counts
                return [
                    ("delivered", counts.delivered), ("refused", counts.refused),
                    ("abandoned", counts.abandoned), ("timed-out", counts.timedOut),
                ].map { (socket.labels.merging(["result": $0]) { $1 }, $1) }
            }
        )
        page.gauge(
            "wif_agent_socket_readers_waiting",
            "Readers that are held until there is a credential.",
            sockets.map { ($0.labels, Double($0.counts.waiting)) }
        )
    }

    private func addRevocations(_ accounts: [Account], to page: inout MetricsPage) {
        page.counter(
            "wif_agent_revocations_total",
            "Credentials revoked.",
            accounts.map { ($0.labels, $0.state.revocations.revoked) }
        )
        page.counter(
            "wif_agent_revocation_failures_total",
            "Revocations that failed.",
            accounts.map { ($0.labels, $0.state.revocations.failures) }
        )
        page.gauge(
            "wif_agent_revocations_pending",
            "Credentials that await revocation.",
            accounts.map { ($0.labels, Double($0.state.revocations.count)) }
        )
    }
}

extension AccountLife.FailureKind {
    fileprivate var labels: MetricsPage.Labels {
        ["class": `class`.rawValue, "step": step.rawValue]
    }
}
