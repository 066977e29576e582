internal import Federation
internal import FoundationEssentials
internal import Platform

/// What an account's life looks like in the log; what has recovered is told with how often it failed.
extension AccountLoop {
    func logRefreshed(
        _ credential: Credential,
        _ result: JobResult,
        after failures: Int
    ) {
        around.log.end(.refreshFailed, about: account.name)
        around.log.end(.expired, about: "\(account.name) ")
        around.log(
            .info,
            .refreshed,
            [
                "account": account.name, "service": account.service.name,
                "source": result.proof?.source, "issuer": result.proof?.issuer,
                "expires_at": rfc3339(credential.expiresAt),
                "failures": failures > 0 ? "\(failures)" : nil,
            ]
        )
    }

    func logDelivered(to path: String) {
        let failures = around.log.end(.outputFailed, about: "\(account.name) \(path)")
        around.log(
            failures > 0 ? .info : .debug,
            .delivered,
            [
                "account": account.name, "path": path,
                "failures": failures > 0 ? "\(failures)" : nil,
            ]
        )
    }

    func logHooksDone() {
        let failures = around.log.end(.hookFailed, about: "\(account.name) ")
        guard failures > 0 else { return }
        around.log(
            .info,
            .hookRecovered,
            ["account": account.name, "failures": "\(failures)"]
        )
    }

    func log(
        _ level: Log.Level,
        _ event: Log.Event,
        message: String?,
        path: String? = nil,
        expiresAt: Date? = nil
    ) {
        let fields: KeyValuePairs<String, String?> = [
            "account": account.name, "path": path, "expires_at": expiresAt.map(rfc3339),
            "error": message,
        ]
        guard level <= .warning else { return around.log(level, event, fields) }
        // Of several warnings each repeats by itself; of an output's errors the last counts.
        let kind = event == .warning ? Repetitions.likeness(of: message ?? "") : path ?? ""
        around.log(level, event, about: "\(account.name) \(kind)", fields)
    }
}
