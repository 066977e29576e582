import Federation
import Kernel
import Serving
import Synchronization
import TestSupport
import Testing

@testable import Agent

@Suite(.timeLimit(.minutes(1)))
struct `The control server` {
    @Test func `answers a refresh once the credential is delivered`() async throws {
        let (answer, loop) = try await refresh { road, board in
            road.outputHangs.withLock { $0 = true }
            return { loop, events in
                await yieldUntil { loop.snapshot.refreshes == 2 }
                for _ in 0..<100 {
                    board.changed()
                    await Task.yield()
                }
                events.add("delivers")
                road.outputHangs.withLock { $0 = false }
            }
        }
        #expect(answer == ["delivers", "200"])
        #expect(loop.snapshot.deliveries["/x"]?.ok == 2)
    }

    @Test func `answers a refresh with the failure of an output`() async throws {
        let (answer, _) = try await refresh { road, _ in
            road.outputFails.withLock { $0 = true }
            return { _, _ in }
        }
        #expect(answer == ["502"])
    }

    @Test func `tells why nothing is ready over the control socket only`() async throws {
        let board = Board(timekeeper: VirtualTimekeeper())
        board.set([], [.init(path: "/x.json", failure: Failure(.refused, at: .account, "why"))])
        let rows: [(ControlServer.Trust, String, String)] = [
            (.network(isLoopback: true), "evil.example", "not ready\n"),
            (.network(isLoopback: true), "localhost:1", "not ready\n"),
            (.network(isLoopback: false), "10.0.0.1:1", "not ready\n"),
            (.full, "localhost", "not ready\nwhy\nno usable account\n"),
            (.reader, "localhost", "not ready\nwhy\nno usable account\n"),
        ]
        for (trust, host, text) in rows {
            let request = HTTPServerRequest(
                method: "GET",
                target: "/readyz",
                path: "/readyz",
                headers: [HTTPField("host", host)]
            )
            let reply = await ControlServer(board: board).answer(request, from: trust)
            #expect(reply.status == 503)
            #expect(String(decoding: reply.body, as: UTF8.self) == text)
        }
    }

    @Test func `lets few others wait, so that its own are always heard`() async {
        let server = ControlServer(board: Board(timekeeper: VirtualTimekeeper()))
        let request = HTTPServerRequest(
            method: "GET",
            target: "/readyz?wait=600",
            path: "/readyz",
            query: [HTTPField("wait", "600")]
        )
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<65 {
                group.addTask { await server.answer(request, from: .reader).status }
            }
            // No time passes: this is the one too many.
            #expect(await group.next() == 503)
            group.cancelAll()
        }
    }

    /// What happened, the answer's status last: a refresh of an account that has a credential.
    /// `prepare` changes the road for it, and answers what is done meanwhile.
    private func refresh(
        _ prepare: (Road, Board) -> @Sendable (AccountLoop, Box) async -> Void
    ) async throws -> ([String], AccountLoop) {
        let road = try Road(lifetime: 3600)
        let board = Board(timekeeper: road.time)
        let loop = try road.makeLoop { board.changed() }
        board.set([loop], [])
        let events = Box()
        await withDiscardingTaskGroup { group in
            group.addTask { await loop.run() }
            await yieldUntil { loop.snapshot.isReady(at: road.time.now) }
            road.time.advance(by: 10)
            let meanwhile = prepare(road, board)
            await withDiscardingTaskGroup { inner in
                inner.addTask {
                    let request = HTTPServerRequest(
                        method: "POST",
                        target: "/refresh",
                        path: "/refresh"
                    )
                    let reply = await ControlServer(board: board).answer(request, from: .full)
                    events.add("\(reply.status)")
                }
                await meanwhile(loop, events)
            }
            group.cancelAll()
        }
        // The loop tells the board of changes: each would keep the other for ever.
        board.set([], [])
        return (events.all, loop)
    }
}
