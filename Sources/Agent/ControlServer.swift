import Federation
import Kernel
import Outputs
package import Serving
import Synchronization
import Text

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
    package static let maximalWait = 600.0

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
            return await status(request, from: trust)
        case "/credential" where isGet:
            guard case .full = trust else { return Self.forbidden }
            return await credential(request)
        case _ where path == "/refresh" || path.hasPrefix("/refresh/"):
            guard case .full = trust else { return Self.forbidden }
            guard request.method == "POST" else { return Self.failure(405, "POST is expected") }
            return await refresh(String(path.dropFirst("/refresh/".count)), request)
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
                let now = board.timekeeper.now
                return $0.name == name && $0.ask { $0.isReady(at: now) }
            }
        }
        if isReady { return HTTPServerResponse(status: 200, text: "ready\n") }
        let reasons = trust.allowsReasons ? reasons(name) : [Self.notReady]
        return HTTPServerResponse(status: 503, text: reasons.joined(separator: "\n") + "\n")
    }

    /// At once, or with `after=REVISION&wait=SECONDS` once something has changed since then.
    private func status(
        _ request: HTTPServerRequest,
        from trust: Trust
    ) async -> HTTPServerResponse {
        let known = request.query.first { $0.name == "after" }.flatMap { Int64($0.value) }
        if let known, strangers.enter(trust) {
            defer { strangers.leave(trust) }
            _ = await board.wait(until: deadline(request)) { board.revision != known }
        }
        return Self.json(200, board.statusReport().json)
    }

    /// Whether there is such an account, or a file of that name that may become usable.
    private func knows(_ name: String) -> Bool {
        board.loops.contains { $0.name == name }
            || board.rejections.contains { $0.path.hasSuffix("/\(name).json") }
    }

    private func unknown(_ name: String) -> HTTPServerResponse {
        let known = board.loops.map(\.name).joined(separator: ", ")
        let text = "no account \(name.printable); there is \(known.isEmpty ? "none" : known)\n"
        return HTTPServerResponse(status: 404, text: text)
    }

    /// What stands in the way of readiness, a line each.
    private func reasons(_ name: String?) -> [String] {
        let now = board.timekeeper.now
        var reasons = board.loops.compactMap { loop -> String? in
            let state = loop.snapshot
            guard !state.isReady(at: now), name == nil || loop.name == name else {
                return nil
            }
            let reason = state.reasonNotReady
            return "\(loop.name): \(state.phase(at: now).rawValue): \(reason)"
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
        guard let (loop, document) = served(path) else {
            return HTTPServerResponse(status: 404, text: "this agent does not serve that file\n")
        }
        var older = request.query.first { $0.name == "newer" }.flatMap { Int64($0.value) }
            .map(BootInstant.init(nanoseconds:))
        if let least = request.query.first(where: { $0.name == "left" }).flatMap({
            Double($0.value)?.clamped(to: 0...1e9)
        }) {
            switch refreshed(loop, leaving: least) {
            case .success(let present): older = [older, present].compactMap(\.self).max()
            case .failure(let failure): return Self.json(503, ["failure": failure.json])
            }
        }
        let clock = board.timekeeper
        var answer: Result<Credential, Failure>?
        _ = await board.wait(until: deadline(request)) {
            answer = loop.ask { life in
                life.answer(for: document, newerThan: older, at: clock.now)
            }
            return answer != nil
        }
        switch answer {
        case .success(let credential)?: return Self.json(200, ["credential": credential.json])
        case .failure(let failure)?: return Self.json(503, ["failure": failure.json])
        case nil:
            let failure = loop.ask(\.currentFailure) ?? .noCredential(isNewer: older != nil)
            return Self.json(503, ["failure": failure.json])
        }
    }

    /// Has a credential with less than so many seconds left refreshed.
    ///
    /// - Returns: when it was received, to wait for a newer one; `nil` where it has more, or there is none;
    ///   a failure where a new one would not have more either.
    private func refreshed(
        _ loop: AccountLoop,
        leaving least: Double
    ) -> Result<BootInstant?, Failure> {
        let now = board.timekeeper.now
        guard let present = loop.ask(\.credential), present.expiry.seconds(since: now) < least
        else {
            return .success(nil)
        }
        if present.lifetime < least {
            return .failure(.shortLived(present.lifetime, wanted: least))
        }
        loop.refresh()
        return .success(present.receivedAt)
    }

    /// The account whose file that is, if the file holds the bytes of a version that the loop knows.
    private func served(_ path: String) -> (AccountLoop, Secret)? {
        for loop in board.loops where isSameFile(loop.account.path, path) {
            do throws(AccountFiles.Problem) {
                let document = try AccountFiles.read(loop.account.path)
                if loop.ask({ $0.knows(document) }) { return (loop, document) }
            } catch {
                // What cannot be read is not served.
            }
        }
        return nil
    }

    /// The accounts of that name; with `file=PATH` only the one that is that file.
    private func loops(_ name: String, _ request: HTTPServerRequest) -> [AccountLoop] {
        let path = request.query.first { $0.name == "file" }?.value
        return board.loops.filter { loop in
            (name.isEmpty || loop.name == name) && path.map { served($0)?.0 === loop } ?? true
        }
    }

    private func refresh(
        _ name: String,
        _ request: HTTPServerRequest
    ) async -> HTTPServerResponse {
        let loops = loops(name, request)
        guard !loops.isEmpty else { return unknown(name) }
        let before = loops.map { $0.ask(\.endedAttempts) }
        for loop in loops { loop.refresh() }
        let limit = Job.standardTimeout + 15
        let deadline = board.timekeeper.now.advanced(bySeconds: limit)
        _ = await board.wait(until: deadline) {
            zip(loops, before).allSatisfy { loop, count in
                loop.ask { $0.hasEndedAttempt(after: count) }
            }
        }
        let results = zip(loops, before).map { loop, count -> (ok: Bool, json: JSON) in
            let state = loop.snapshot
            let isDone = state.hasEndedAttempt(after: count)
            let failure = isDone ? state.currentFailure : Failure.tooSlow
            var members: [String: JSON] = ["account": .string(loop.name)]
            members["failure"] = failure?.json
            members["expires_at"] = state.credential.map { .string(rfc3339($0.expiresAt)) }
            return (failure == nil, .object(members))
        }
        let isFine = results.allSatisfy(\.ok)
        return Self.json(isFine ? 200 : 502, ["results": .array(results.map(\.json))])
    }

    private func revoke(
        _ name: String,
        _ request: HTTPServerRequest
    ) async -> HTTPServerResponse {
        guard !name.isEmpty, let loop = loops(name, request).first else {
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
    static let refusalOfDescendant = failure(403, "not for a process that descends from this agent")

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
    fileprivate static func shortLived(_ lifetime: Double, wanted: Double) -> Failure {
        Failure(
            .misconfigured,
            at: .worker,
            "the account's credentials live for \(Int(lifetime)) s, less than the \(Int(wanted)) s"
                + " that are wanted",
            hint: "have the service give longer ones, or ask for less"
        )
    }

    fileprivate static var tooSlow: Failure {
        Failure(.transient, at: .worker, "the refresh has not ended in time")
    }

    fileprivate static func noCredential(isNewer: Bool) -> Failure {
        let kind = isNewer ? "newer credential" : "credential"
        return Failure(.transient, at: .worker, "the agent has no \(kind) yet")
    }
}

extension AccountLife {
    /// Whether an attempt later than the first so many has failed, or has come to the outputs; one of
    /// each version where another is tried beside the one in force.
    fileprivate func hasEndedAttempt(after count: Int) -> Bool {
        let least = count + (candidate == nil ? 1 : 2)
        return endedAttempts >= least && !isAttempting && !isDelivering
    }

    /// What stands in the way of readiness, for people.
    fileprivate var reasonNotReady: String {
        if let candidate {
            let failure = candidate.pace.lastFailure?.failure.message
            return "the edited file is not in force: \(failure ?? "no credential yet")"
        }
        let failure = outputs.lazy.compactMap(\.failure).first ?? lastFailure?.failure
        return failure?.message ?? "no credential yet"
    }
}

private func isSameFile(_ first: String, _ second: String) -> Bool {
    do throws(Errno) {
        return try realPath(first) == realPath(second)
    } catch {
        return false
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
