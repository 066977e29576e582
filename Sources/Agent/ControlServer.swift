internal import Federation
internal import FoundationEssentials
internal import Outputs
internal import Platform
package import Serving
import Synchronization

/// Answers questions about the agent, over its control socket and, in part, over TCP.
package struct ControlServer: Sendable {
    /// How far a peer is trusted.
    package enum Trust: Sendable {
        /// root and the agent's own user: everything.
        case full
        /// A member of the control group: all but credentials and commands.
        case reader
        /// Somebody on the network: liveness, readiness, metrics; the status on loopback.
        case network(isLoopback: Bool)
        case none
    }

    private let board: Board
    private let strangers = Strangers()

    /// The longest that a question may wait for its answer, in seconds.
    private static let maximalWait = 600.0

    package init(board: Board) {
        self.board = board
    }

    /// Answers one request.
    package func answer(_ request: HTTPServerRequest, from trust: Trust) async -> HTTPServerResponse
    {
        let path = request.path
        let isGet = request.method == "GET" || request.method == "HEAD"
        if path == "/livez", isGet { return HTTPServerResponse(status: 200, text: "ok\n") }
        if case .none = trust { return Self.forbidden }
        switch path {
        case "/readyz" where isGet: return await readiness(request, from: trust)
        case "/metrics" where isGet:
            return HTTPServerResponse(
                status: 200,
                text: board.metrics(),
                type: "text/plain; version=0.0.4; charset=utf-8"
            )
        case "/status" where isGet:
            guard trust.allowsStatus(request) else { return Self.forbidden }
            return Self.json(200, board.statusReport())
        case "/credential" where isGet:
            guard case .full = trust else { return Self.forbidden }
            return await credential(request)
        case _ where path == "/refresh" || path.hasPrefix("/refresh/"):
            guard case .full = trust else { return Self.forbidden }
            guard request.method == "POST" else { return Self.failure(405, "POST is expected") }
            return await refresh(String(path.dropFirst("/refresh/".count)))
        case _ where path.hasPrefix("/revoke/"):
            guard case .full = trust else { return Self.forbidden }
            guard request.method == "POST" else { return Self.failure(405, "POST is expected") }
            return await revoke(String(path.dropFirst("/revoke/".count)), request)
        default: return HTTPServerResponse(status: 404, text: "not found\n")
        }
    }

    private func deadline(_ request: HTTPServerRequest) -> BootInstant {
        let asked = request.query.first { $0.name == "wait" }.flatMap { Double($0.value) } ?? 0
        return board.timekeeper.now.advanced(bySeconds: asked.clamped(to: 0...Self.maximalWait))
    }

    private func readiness(
        _ request: HTTPServerRequest,
        from trust: Trust
    ) async -> HTTPServerResponse {
        let name = request.query.first { $0.name == "account" }?.value
        if let name, !knows(name) { return unknown(name) }
        let mayWait = strangers.enter(trust)
        defer { if mayWait { strangers.leave(trust) } }
        let deadline = mayWait ? deadline(request) : board.timekeeper.now
        let isReady = await board.wait(until: deadline) {
            guard let name else { return board.isReady }
            return board.loops.contains {
                $0.account.name == name && $0.snapshot.isReady(at: board.timekeeper.now)
            }
        }
        if isReady { return HTTPServerResponse(status: 200, text: "ready\n") }
        let reasons = trust.allowsReasons ? reasons(name) : [Self.notReady]
        return HTTPServerResponse(status: 503, text: reasons.joined(separator: "\n") + "\n")
    }

    /// Whether there is such an account, or a file of that name that may become usable.
    private func knows(_ name: String) -> Bool {
        board.loops.contains { $0.account.name == name }
            || board.rejections.contains { $0.path.hasSuffix("/\(name).json") }
    }

    private func unknown(_ name: String) -> HTTPServerResponse {
        let known = board.loops.map(\.account.name).joined(separator: ", ")
        let text = "no account \(name.printable); there is \(known.isEmpty ? "none" : known)\n"
        return HTTPServerResponse(status: 404, text: text)
    }

    /// What stands in the way of readiness, a line each.
    private func reasons(_ name: String?) -> [String] {
        let now = board.timekeeper.now
        var reasons = board.loops.compactMap { loop -> String? in
            let state = loop.snapshot
            guard !state.isReady(at: now), name == nil || loop.account.name == name else {
                return nil
            }
            let failure =
                state.outputs.lazy.compactMap(\.failure).first ?? state.lastFailure?.failure
            let reason = failure?.message ?? "no credential yet"
            return "\(loop.account.name): \(state.phase(at: now).rawValue): \(reason)"
        }
        for rejection in board.rejections {
            guard name.map({ rejection.path.hasSuffix("/\($0).json") }) ?? true else { continue }
            reasons.append(rejection.failure.message)
        }
        if board.loops.isEmpty { reasons.append("no usable account") }
        return [Self.notReady] + reasons
    }

    private func credential(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        guard let path = request.query.first(where: { $0.name == "file" })?.value else {
            return Self.failure(400, "file=PATH is missing")
        }
        guard let loop = board.loops.first(where: { $0.serves(path) }) else {
            return HTTPServerResponse(status: 404, text: "this agent does not serve that file\n")
        }
        let older = request.query.first { $0.name == "newer" }.flatMap { Int64($0.value) }
        _ = await board.wait(until: deadline(request)) {
            let (state, now) = (loop.snapshot, board.timekeeper.now)
            return state.credential(after: older, at: now) != nil
                || older == nil && state.isSettled(at: now) || state.isRefused
        }
        let state = loop.snapshot
        if let credential = state.credential(after: older, at: board.timekeeper.now) {
            return Self.json(200, ["credential": credential.json])
        }
        let failure =
            state.lastFailure?.failure
            ?? Failure(
                .transient,
                at: .worker,
                "the agent has no \(older == nil ? "" : "newer ")credential yet"
            )
        return Self.json(503, ["failure": failure.json])
    }

    private func refresh(_ name: String) async -> HTTPServerResponse {
        let loops = board.loops.filter { name.isEmpty || $0.account.name == name }
        guard !loops.isEmpty else { return unknown(name) }
        let before = loops.map(\.snapshot.attempts)
        for loop in loops { loop.refresh() }
        let limit = Job.standardTimeout + 15
        let deadline = board.timekeeper.now.advanced(bySeconds: limit)
        _ = await board.wait(until: deadline) {
            zip(loops, before).allSatisfy { $0.snapshot.hasEndedAttempt(after: $1) }
        }
        let results = zip(loops, before).map { loop, count -> (ok: Bool, json: JSON) in
            let state = loop.snapshot
            let isDone = state.hasEndedAttempt(after: count)
            let failure = isDone ? state.failure : Failure.tooSlow
            var members: [String: JSON] = ["account": .string(loop.account.name)]
            members["failure"] = failure?.json
            members["expires_at"] = state.credential.map { .string(rfc3339($0.expiresAt)) }
            return (failure == nil, .object(members))
        }
        let isFine = results.allSatisfy(\.ok)
        return Self.json(isFine ? 200 : 502, ["results": .array(results.map(\.json))])
    }

    /// With `file=PATH` only if the account is that file.
    private func revoke(
        _ name: String,
        _ request: HTTPServerRequest
    ) async -> HTTPServerResponse {
        let path = request.query.first { $0.name == "file" }?.value
        let loop = board.loops.first { loop in
            loop.account.name == name && path.map(loop.serves) ?? true
        }
        guard let loop else {
            return HTTPServerResponse(status: 404, text: "no account \(name.printable)\n")
        }
        switch await loop.revoke() {
        case .revoked: return Self.json(200, ["revoked": true])
        case .nothing: return Self.json(200, ["revoked": false])
        case .failed(let failure): return Self.json(502, ["failure": failure.json])
        }
    }

    private static let notReady = "not ready"
    private static let forbidden = failure(403, "not for this peer")

    private static func failure(_ status: Int, _ text: String) -> HTTPServerResponse {
        HTTPServerResponse(status: status, text: text + "\n")
    }

    private static func json(_ status: Int, _ value: JSON) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status,
            headers: [
                HTTPField("Content-Type", "application/json"),
                HTTPField("Cache-Control", "no-store"),
            ],
            body: value.serialized() + [UInt8(ascii: "\n")]
        )
    }
}

/// Questions that others than the agent's own let wait: so few that connections are left for its own.
private final class Strangers: Sendable {
    private let count = Mutex(0)

    private static let most = 64

    /// Whether one more may wait.
    func enter(_ trust: ControlServer.Trust) -> Bool {
        if case .full = trust { return true }
        return count.withLock { count in
            guard count < Self.most else { return false }
            count += 1
            return true
        }
    }

    func leave(_ trust: ControlServer.Trust) {
        if case .full = trust { return }
        count.withLock { $0 -= 1 }
    }
}

extension Failure {
    fileprivate static var tooSlow: Failure {
        Failure(.transient, at: .worker, "the refresh has not ended in time")
    }
}

extension AccountState {
    /// Attempts that have had their answer.
    fileprivate var attempts: Int { refreshes + failures.values.reduce(0, +) }

    /// Whether an attempt later than the first so many has failed, or has come to the outputs.
    fileprivate func hasEndedAttempt(after count: Int) -> Bool {
        attempts > count && !isAttempting && !isDelivering
    }

    /// What keeps the account from a new credential in all its outputs.
    fileprivate var failure: Failure? {
        lastFailure?.failure ?? outputs.lazy.compactMap(\.failure).first
    }

    /// The credential if it is valid and was received after that instant on the boot-time clock.
    fileprivate func credential(after older: Int64?, at now: BootInstant) -> Credential? {
        guard phase(at: now) == .valid, let credential else { return nil }
        return credential.receivedAt.nanoseconds > older ?? .min ? credential : nil
    }

    /// Whether the last attempt was turned down for good.
    fileprivate var isRefused: Bool {
        guard let failure = lastFailure?.failure else { return false }
        return failure.class == .refused || failure.class == .misconfigured
    }
}

extension AccountLoop {
    /// Whether the account is that file, and the file still holds the bytes that were loaded.
    fileprivate func serves(_ path: String) -> Bool {
        do {
            return try realPath(account.path) == realPath(path)
                && AccountFiles.read(account.path).isEqual(to: account.document)
        } catch {
            return false
        }
    }
}

extension ControlServer.Trust {
    /// Whether the peer is told why an account is not ready: over the control socket only. A reason may
    /// quote a platform or a service, which is nothing for a network.
    fileprivate var allowsReasons: Bool {
        switch self {
        case .full, .reader: true
        case .network, .none: false
        }
    }

    /// On loopback the Host header must be a loopback one, too: a web page that has its name resolve
    /// to 127.0.0.1 must not read the status through its visitor's browser.
    fileprivate func allowsStatus(_ request: HTTPServerRequest) -> Bool {
        switch self {
        case .full, .reader: return true
        case .none: return false
        case .network(let isLoopback):
            let host = request.header("host") ?? ""
            guard isLoopback else { return false }
            do throws(EndpointError) {
                return Endpoint.isLoopback(try Endpoint("http://" + host, plainHTTP: .any).host)
            } catch {
                return false
            }
        }
    }
}
