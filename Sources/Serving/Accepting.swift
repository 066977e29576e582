package import Kernel

/// Serves every connection of a listener, each in a child task, until the task is cancelled.
///
/// - Parameters:
///   - secure: turns an accepted connection into the stream that HTTP is spoken over, for TLS; what
///     it throws ends that connection only. It has the read time-out.
///   - handler: is also given the accepted socket, for questions about the peer.
/// - Throws: `CancellationError`, or ``Errno`` where the listener itself broke.
package func serve(
    _ listener: Listener,
    limits: ServingLimits = ServingLimits(),
    secure: @escaping @Sendable (SocketStream) async throws -> any ByteStream = { $0 },
    handler: @escaping @Sendable (HTTPServerRequest, SocketStream) async -> HTTPServerResponse
) async throws {
    try await serve(
        accepting: { try await listener.accept() },
        limits: limits,
        secure: secure,
        handler: handler
    )
}

/// As ``serve(_:limits:secure:handler:)`` does, with connections from anywhere.
///
/// - Parameter accept: waits for the next connection; what it throws ends the serving.
package func serve(
    accepting accept: @Sendable () async throws -> SocketStream,
    limits: ServingLimits = ServingLimits(),
    secure: @escaping @Sendable (SocketStream) async throws -> any ByteStream = { $0 },
    handler: @escaping @Sendable (HTTPServerRequest, SocketStream) async -> HTTPServerResponse
) async throws {
    let crowd = Crowd(limits: limits)
    try await withThrowingDiscardingTaskGroup { group in
        while true {
            await crowd.waitForRoom()
            let socket = try await accept()
            guard let guest = crowd.admit(socket) else {
                socket.close()
                continue
            }
            group.addTask {
                defer { crowd.leave(guest) }
                // A handshake that fails concerns its peer alone.
                guard
                    let stream = try? await within(
                        limits.readTimeout,
                        { try await secure(socket) }
                    )
                else { return socket.close() }
                let counted = GuestStream(stream: stream, crowd: crowd, guest: guest)
                await serve(counted, limits: limits) { request in
                    await crowd.attend(guest) { await handler(request, socket) }
                }
            }
        }
    }
}
