import Federation
import Kernel
import Serving
import Text

/// The agent's control socket and, where asked for, its TCP address.
struct Servers: Sendable {
    private let control: ControlSocket
    private let network: [Listener]
    private let server: ControlServer
    private let group: UInt32?

    /// Binds everything.
    /// - Throws: ``Agent/StartFailure`` that names the address.
    init(
        settings: AgentSettings,
        board: Board,
        handedOver: HandedOverSockets
    ) throws(Agent.StartFailure) {
        try Self.checkLimit()
        server = ControlServer(board: board)
        let name = settings.controlGroup
        group = name.flatMap(groupID(of:))
        if let name, group == nil {
            throw Agent.StartFailure("--control-group: there is no group \(name.printable)")
        }
        do throws(PathError) {
            control = try ControlSocket(in: settings.runtimeDirectory, group: group)
        } catch {
            throw Agent.StartFailure(
                "control socket: \(error)",
                hint: error.hint ?? error.reason?.limitHint,
                reason: error.reason
            )
        }
        let own = try Self.networkListener(settings)
        network = try Self.adopted(handedOver) + (own.map { [$0] } ?? [])
    }

    /// With fewer descriptors nothing would be left to serve anybody with.
    private static func checkLimit() throws(Agent.StartFailure) {
        let (limit, least) = (DescriptorReserve.limit, DescriptorReserve.leastLimit)
        guard limit < least else { return }
        throw Agent.StartFailure(
            "at most \(limit) files may be open, and an agent needs at least \(least)",
            hint: "raise LimitNOFILE= of the unit, or ulimit -n"
        )
    }

    private static func adopted(
        _ handedOver: HandedOverSockets
    ) throws(Agent.StartFailure) -> [Listener] {
        var listeners: [Listener] = []
        for raw in handedOver.sockets(for: HandedOverSockets.listenName) {
            do throws(Errno) {
                listeners.append(
                    try Listener(owning: FileDescriptor(owning: raw), reserve: .whole)
                )
            } catch {
                throw Agent.StartFailure(
                    "the socket handed over as \"\(HandedOverSockets.listenName)\": \(error)",
                    hint: "its unit needs a ListenStream="
                )
            }
        }
        return listeners
    }

    private static func networkListener(
        _ settings: AgentSettings
    ) throws(Agent.StartFailure) -> Listener? {
        guard let text = settings.listen else { return nil }
        guard let address = SocketAddress(text), case .tcp = address else {
            throw Agent.StartFailure("--listen \(text.printable): ADDRESS:PORT is expected")
        }
        do throws(Errno) {
            return try Listener(address, reserve: .whole)
        } catch {
            throw Agent.StartFailure(
                "--listen \(address): \(error)",
                hint: error.descriptorHint ?? listenHint(error),
                reason: error
            )
        }
    }

    private static func listenHint(_ error: Errno) -> String? {
        let hints: [(error: Errno, hint: String)] = [
            (
                .addressInUse,
                "another program has that port (ss -ltnp shows whose it is): choose another port"
            ),
            (
                .noAddress,
                "that address is none of this machine's (ip address): write one that is, or 127.0.0.1"
            ),
            (.noAccess, "ports below 1024 are root's: choose one from 1024 on"),
        ]
        return hints.first { $0.error == error }?.hint
    }

    /// Answers until cancelled.
    func run(log: Log, on timekeeper: any Timekeeper) async {
        await withTaskGroup { tasks in
            tasks.addTask {
                await serveLogged({ try await control.accept() }, log) { request, socket in
                    // Its own workers and hooks may ask how it does, and for no credential.
                    if request.path == "/credential", peerDescendsFromHere(socket.raw) {
                        return ControlServer.refusalOfDescendant
                    }
                    return await server.answer(request, from: trust(of: socket))
                }
            }
            tasks.addTask { await control.keep(log, on: timekeeper) }
            for network in network {
                let isLoopback = network.isLoopback
                tasks.addTask {
                    await serveLogged({ try await network.accept() }, log) { request, _ in
                        await server.answer(request, from: .network(isLoopback: isLoopback))
                    }
                }
            }
        }
    }

    func close() {
        control.close()
    }

    private func trust(of socket: SocketStream) -> ControlServer.Trust {
        do throws(Errno) {
            let user = try peerUser(of: socket.raw)
            if user == overflowUserID() { return .none }
            if user == 0 || user == effectiveUserID() { return .full }
            guard let group else { return .none }
            if try peerGroup(of: socket.raw) == group { return .reader }
            let isMember = try peerGroups(of: socket.raw).contains(group)
            return isMember ? .reader : .none
        } catch {
            return .none
        }
    }
}

private func serveLogged(
    _ accept: @Sendable () async throws -> SocketStream,
    _ log: Log,
    _ handler: @escaping @Sendable (HTTPServerRequest, SocketStream) async -> HTTPServerResponse
) async {
    do {
        var limits = ServingLimits()
        // A question may wait for its answer; an idle connection may not stay.
        limits.readTimeout = .seconds(30)
        // No question here has a body.
        limits.bodyBytes = 0
        try await serve(accepting: accept, limits: limits, handler: handler)
    } catch is CancellationError {
    } catch {
        log(.error, .servingFailed, about: "", ["error": "\(error)"])
    }
}

extension Listener {
    fileprivate var isLoopback: Bool {
        if case .tcp(let host, _) = address { Endpoint.isLoopback(host) } else { false }
    }
}
