import Federation
import Kernel
import Text

/// What an account's life looks like in the log; what has recovered is told with how often it failed.
extension AccountLoop {
    func log(_ note: AccountLife.Note) {
        switch note {
        case .adopted(let credential):
            write(.info, .adopted, expiresAt: credential.expiresAt)
        case .refreshed(let credential, let proof): logRefreshed(credential, proof)
        case .refreshFailed(let failure, let pause):
            logFailure(.refreshFailed, about: name, failure, pause)
        case .changePending:
            write(.info, .changePending)
        case .changeFailed(let failure, let pause):
            logFailure(.changeFailed, about: name, failure, pause)
        case .changed:
            dependencies.log.end(.changeFailed, about: name)
            write(.info, .reloaded)
        case .willExpire(let credential):
            let message = "the token source cannot give another token; the account will expire"
            write(.warning, .willExpire, message, expiresAt: credential.expiresAt)
        case .expired:
            let message = "the credential has expired and no newer one is there"
            write(.error, .expired, message)
        case .warning(let message, let path): write(.warning, .warning, message, path: path)
        case .delivered(let path): logDelivered(to: path)
        case .outputFailed(let failure, let path):
            write(.error, .outputFailed, failure.message, hint: failure.hint, path: path)
        case .outputRemoved(let path): write(.info, .outputRemoved, path: path)
        case .outputLeft(let path):
            let message = "no output any more; its file stays as it is until somebody removes it"
            write(.warning, .outputLeft, message, path: path)
        case .hookFailed(let failure):
            write(.error, .hookFailed, failure.message, hint: failure.hint)
        case .hooksDone: logHooksDone()
        case .revoked(let owner):
            dependencies.log.end(.revocationFailed, about: name)
            dependencies.log(
                .info,
                .revoked,
                ["account": name, "service": owner.service.name]
            )
        case .revocationFailed(let failure): logRevocationFailure(failure)
        case .notKept(let message): write(.warning, .notKept, message)
        case .kept: dependencies.log.end(.notKept, about: "\(name) ")
        }
    }

    private func logRefreshed(_ credential: Credential, _ proof: JobResult.Proof?) {
        let failures = dependencies.log.end(.refreshFailed, about: name)
        dependencies.log.end(.expired, about: "\(name) ")
        dependencies.log(
            .info,
            .refreshed,
            [
                "account": name, "service": account.service.name,
                "source": proof?.source, "issuer": proof?.issuer,
                "expires_at": rfc3339(credential.expiresAt),
                "failures": failures > 0 ? "\(failures)" : nil,
            ]
        )
    }

    private func logFailure(
        _ event: Log.Event,
        about subject: String,
        _ failure: Failure,
        _ pause: Double
    ) {
        dependencies.log(
            .error,
            event,
            about: subject,
            [
                "account": name, "class": failure.class.rawValue,
                "step": failure.step.rawValue, "error": failure.message, "hint": failure.hint,
                "retry_in": "\(Int(pause.rounded(.up)))",
            ]
        )
    }

    private func logRevocationFailure(_ failure: Failure) {
        dependencies.log(
            .warning,
            .revocationFailed,
            about: name,
            [
                "account": name, "class": failure.class.rawValue, "error": failure.message,
                "hint": failure.hint,
            ]
        )
    }

    private func logDelivered(to path: String) {
        let failures = dependencies.log.end(.outputFailed, about: "\(name) \(path)")
        dependencies.log(
            failures > 0 ? .info : .debug,
            .delivered,
            [
                "account": name, "path": path,
                "failures": failures > 0 ? "\(failures)" : nil,
            ]
        )
    }

    private func logHooksDone() {
        let failures = dependencies.log.end(.hookFailed, about: "\(name) ")
        guard failures > 0 else { return }
        dependencies.log(.info, .hookRecovered, ["account": name, "failures": "\(failures)"])
    }

    private func write(
        _ level: Log.Level,
        _ event: Log.Event,
        _ message: String? = nil,
        hint: String? = nil,
        path: String? = nil,
        expiresAt: WallTime? = nil
    ) {
        let fields: KeyValuePairs<String, String?> = [
            "account": name, "path": path, "expires_at": expiresAt.map(rfc3339),
            "error": message, "hint": hint,
        ]
        guard level <= .warning else { return dependencies.log(level, event, fields) }
        // Of several warnings each repeats by itself; of an output's errors the last counts.
        let kind = event == .warning ? Repetitions.likeness(of: message ?? "") : path ?? ""
        dependencies.log(level, event, about: "\(name) \(kind)", fields)
    }
}
