internal import Federation
internal import Platform
internal import Serving

/// The agent's control socket and, where asked for, its TCP address.
struct Servers: Sendable {
    private let control: UnixListener
    private let controlListener: Listener
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
        server = ControlServer(board: board)
        let name = settings.controlGroup
        group = name.flatMap(groupID(of:))
        if let name, group == nil {
            throw Agent.StartFailure("--control-group: there is no group \(name.printable)")
        }
        do throws(PathError) {
            let user = effectiveUser
            let directory = try Directory.open(
                settings.runtimeDirectory,
                trust: DirectoryTrust(owners: [user], groups: []),
                creating: Directory.Creation(mode: 0o755)
            )
            control = try UnixListener(
                binding: "control.sock",
                in: directory,
                mode: group == nil ? 0o600 : 0o660,
                group: group
            )
        } catch {
            throw Agent.StartFailure("control socket: \(error)", hint: error.hint)
        }
        do throws(Errno) {
            let second = try duplicate(control.raw)
            controlListener = try Listener(owning: second)
        } catch {
            throw Agent.StartFailure("control socket: \(error)")
        }
        let own = try Self.networkListener(settings)
        network = try Self.adopted(handedOver) + (own.map { [$0] } ?? [])
    }

    private static func adopted(
        _ handedOver: HandedOverSockets
    ) throws(Agent.StartFailure) -> [Listener] {
        var listeners: [Listener] = []
        for raw in handedOver.sockets(for: HandedOverSockets.listenName) {
            do throws(Errno) {
                listeners.append(try Listener(owning: FileDescriptor(owning: raw)))
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
            return try Listener(address)
        } catch {
            throw Agent.StartFailure("--listen \(address): \(error)")
        }
    }

    /// Answers until cancelled.
    func run(log: Log) async {
        await withTaskGroup { tasks in
            tasks.addTask {
                await serveLogged(controlListener, log) { request, socket in
                    await server.answer(request, from: trust(of: socket))
                }
            }
            for network in network {
                let isLoopback = network.isLoopback
                tasks.addTask {
                    await serveLogged(network, log) { request, _ in
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
            if user == 0 || user == effectiveUser { return .full }
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
    _ listener: Listener,
    _ log: Log,
    _ handler: @escaping @Sendable (HTTPServerRequest, SocketStream) async -> HTTPServerResponse
) async {
    do {
        var limits = ServingLimits()
        // A question may wait for its answer; an idle connection may not stay.
        limits.readTimeout = .seconds(30)
        try await serve(listener, limits: limits, handler: handler)
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
