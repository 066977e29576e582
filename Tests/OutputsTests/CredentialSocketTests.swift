import Federation
import Glibc
import Kernel
import Synchronization
import TestSupport
import Testing

@testable import Outputs

@Suite(.timeLimit(.minutes(1)))
struct CredentialSocketTests {
    @Test func `everyone who may read gets the credential and the end`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        let events = Events()
        try await served(path, report: events.note) { (socket) async throws in
            socket.set(Secret("the credential"))
            for _ in 0..<3 { #expect(try await read(path) == "the credential") }
            #expect(try await ForeignClient().read(path) == "the credential")
            #expect(socket.counts.delivered == 4)
            #expect(events.all == [.delivered(uid: geteuid(), unit: nil)])
            socket.set(Secret("the next"))
            #expect(try await read(path) == "the next")
            #expect(events.all.count == 2)
        }
        #expect(throws: Errno.notFound) { try FileFacts(at: path) }
    }

    @Test func `a peer waits for the first credential, though it writes no more`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        try await served(path) { (socket) async throws in
            async let one = ForeignClient().read(path)
            async let two = read(path)
            await yieldUntil { socket.counts.waiting == 2 }
            socket.set(Secret("late"))
            #expect(try await one == "late")
            #expect(try await two == "late")
            #expect(socket.counts.waiting == 0)
        }
    }

    @Test func `a peer waits ninety seconds, a unit until it hangs up`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        let clock = VirtualTimekeeper()
        let events = Events()
        try await served(path, timekeeper: clock, report: events.note) { (socket) async throws in
            async let plain = read(path)
            let name = "adf9d86b6eda275e/unit/foo.service/credx"
            async let unit = ForeignClient(abstractName: name).read(path)
            await yieldUntil { socket.counts.waiting == 2 }
            await clock.waitForSleepers(1)
            clock.advance(by: 89)
            #expect(socket.counts.waiting == 2)
            await clock.waitForSleepers(1)
            clock.advance(by: 1)
            #expect(try await plain == "")
            #expect(events.all == [.heldTooLong(uid: geteuid())])
            clock.advance(by: 86_400)
            #expect(socket.counts.waiting == 1)
            socket.set(Secret("at last"))
            #expect(try await unit == "at last")
            #expect(events.all.last == .delivered(uid: geteuid(), unit: "foo.service"))
        }
    }

    @Test func `a peer that hangs up while it waits is forgotten`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        try await served(path) { (socket) async throws in
            var stream: SocketStream? = try await connect(to: .unix(path: path))
            await yieldUntil { socket.counts.waiting == 1 }
            stream?.close()
            stream = nil
            await yieldUntil { socket.counts.abandoned == 1 }
            #expect(socket.counts.waiting == 0)
        }
    }

    @Test func `an expired credential is not served`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        let clock = VirtualTimekeeper()
        try await served(path, timekeeper: clock) { (socket) async throws in
            socket.set(Secret("old"), expiry: clock.now.advanced(bySeconds: 10))
            #expect(try await read(path) == "old")
            clock.advance(by: 10)
            async let late = read(path)
            await yieldUntil { socket.counts.waiting == 1 }
            socket.set(Secret("stillborn"), expiry: clock.now)
            #expect(socket.counts.waiting == 1)
            socket.set(Secret("new"), expiry: clock.now.advanced(bySeconds: 10))
            #expect(try await late == "new")
        }
    }

    @Test func `a reader that stops holds up nobody, and is let go at last`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        let clock = VirtualTimekeeper()
        let events = Events()
        let big = String(repeating: "x", count: 3_000_000)
        try await served(path, timekeeper: clock, report: events.note) { (socket) async throws in
            socket.set(Secret(big))
            let slow = try await connect(to: .unix(path: path))
            let stuck = try await connect(to: .unix(path: path))
            await yieldUntil { socket.counts.waiting == 2 }
            #expect(try await read(path) == big)
            #expect(try await text(slow) == big)
            #expect(socket.counts.waiting == 1)
            await clock.waitForSleepers(1)
            clock.advance(by: 29)
            #expect(socket.counts.waiting == 1)
            await clock.waitForSleepers(1)
            clock.advance(by: 1)
            await yieldUntil { socket.counts.timedOut == 1 }
            #expect(try await text(stuck).utf8.count < big.utf8.count)
            #expect(events.all.last == .stalled(uid: geteuid(), unit: nil))
        }
    }

    @Test func `one that reads nothing at all is let go after thirty seconds`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        let clock = VirtualTimekeeper()
        let big = String(repeating: "x", count: 3_000_000)
        try await served(path, timekeeper: clock) { (socket) async throws in
            socket.set(Secret(big))
            let stuck = try await connect(to: .unix(path: path))
            await clock.waitForSleepers(1)
            clock.advance(by: 30)
            await yieldUntil { socket.counts.timedOut == 1 }
            #expect(try await text(stuck).utf8.count < big.utf8.count)
        }
    }

    @Test func `what a client has written does no harm`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        try await served(path) { (socket) async throws in
            let client = try await connect(to: .unix(path: path))
            try await client.write([UInt8](repeating: 0, count: 100_000))
            await yieldUntil { socket.counts.waiting == 1 }
            socket.set(Secret("credential"))
            #expect(try await text(client) == "credential")
        }
    }

    /// A connection that is closed before the credential reads like an empty one.
    @Test func `readers beyond the table wait in the queue, and all get the credential`()
        async throws
    {
        let place = ScratchDirectory()
        let path = place("s")
        let events = Events()
        try await served(path, report: events.note) { (socket) async throws in
            var streams: [SocketStream] = []
            for _ in 0..<300 { streams.append(try await connect(to: .unix(path: path))) }
            await yieldUntil { socket.state.withLock { $0.isCrowded } }
            #expect(socket.counts.waiting == 256)
            let name = "1/unit/foo.service/x"
            async let unit = ForeignClient(abstractName: name).read(path)
            socket.set(Secret("for all"))
            #expect(try await unit == "for all")
            for stream in streams { #expect(try await text(stream) == "for all") }
            #expect(socket.counts.delivered == 301)
            #expect(socket.counts.refused == 0)
        }
    }

    @Test func `the queue is attended to again when one who waits is gone`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        try await served(path) { (socket) async throws in
            var streams: [SocketStream] = []
            for _ in 0..<257 { streams.append(try await connect(to: .unix(path: path))) }
            await yieldUntil { socket.state.withLock { $0.isCrowded } }
            streams.removeFirst().close()
            await yieldUntil { socket.counts.abandoned == 1 && socket.counts.waiting == 256 }
        }
    }

    @Test func `without descriptors the queue is left alone for a tenth of a second`() async {
        await #expect(processExitsWith: .success) {
            let place = ScratchDirectory()
            let path = place("s")
            let clock = VirtualTimekeeper()
            let events = Events()
            var limit = rlimit(rlim_cur: 256, rlim_max: 256)
            _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            try await served(path, timekeeper: clock, report: events.note) {
                (socket) async throws in
                socket.set(Secret("late"))
                #expect(try await read(path) == "late")
                // The last quarter is for what keeps the served ones served.
                var taken = [unsafe open("/dev/null", O_RDONLY)]
                while let last = taken.last, (0..<192).contains(last) { taken.append(dup(last)) }
                #expect(taken.last ?? -1 >= 192)
                let client = try await connect(to: .unix(path: path))
                await yieldUntil { events.all.count == 2 }
                #expect(events.all.last == .paused(reason: Errno(EMFILE).description))
                for raw in taken { close(raw) }
                await clock.waitForSleepers(1)
                #expect(socket.counts.delivered == 1)
                clock.advance(by: 0.1)
                #expect(try await text(client) == "late")
                #expect(events.all.count == 2)
            }
        }
    }

    @Test func `a process of the agent's own gets nothing, and hears so in the log`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        let events = Events()
        try await served(path, isOwnDescendant: { _ in true }, report: events.note) {
            (socket) async throws in
            socket.set(Secret("credential"))
            #expect(try await read(path) == "")
            let reason = "a process that descends from this agent"
            let refusal = SocketEvent.refused(uid: geteuid(), reason: reason, hint: nil, count: 1)
            #expect(events.all == [refusal])
        }
    }

    @Test func `at the end those that wait are let go`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        var kept: (socket: CredentialSocket, client: SocketStream)?
        try await served(path) { (socket) async throws in
            kept = (socket, try await connect(to: .unix(path: path)))
            await yieldUntil { socket.counts.waiting == 1 }
        }
        let (socket, client) = try #require(kept)
        #expect(socket.counts.waiting == 0)
        #expect(try await text(client) == "")
        // There is nothing to be made anew of one that is closed.
        #expect(socket.isInPlace)
    }

    @Test func `one user cannot take all the room by not reading`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        let big = String(repeating: "x", count: 3_000_000)
        try await served(path) { (socket) async throws in
            socket.set(Secret(big))
            var streams: [SocketStream] = []
            for _ in 0..<70 { streams.append(try await connect(to: .unix(path: path))) }
            await yieldUntil { socket.counts.waiting + socket.counts.refused == 70 }
            #expect(socket.counts.waiting == 64)
            let name = "4/unit/foo.service/x"
            #expect(try await ForeignClient(abstractName: name).read(path) == big)
        }
    }

    /// Whoever owns a directory on the path could put another in its place at any moment.
    @Test(.enabled(if: geteuid() == 0, "giving directories away takes root"))
    func `a socket is bound in the directory that was checked, and nowhere else`() async throws {
        let place = ScratchDirectory()
        unsafe mkdir(place("theirs"), 0o755)
        unsafe chown(place("theirs"), 4242, 4242)
        let trust = DirectoryTrust(owners: [0, 4242], groups: [])
        let directory = try Directory.open(place("theirs"), trust: trust)
        unsafe mkdir(place("victim"), 0o700)
        try rename(place("theirs"), to: place("moved"))
        unsafe symlink("victim", place("theirs"))
        let listener = try UnixListener(binding: "s", in: directory, mode: 0o600, owner: 4242)
        #expect(try FileFacts(at: place("moved/s")).owner == 4242)
        #expect(throws: Errno.notFound) { try FileFacts(at: place("victim/s")) }
        #expect(!listener.isInPlace)
        listener.close()
        #expect(throws: Errno.notFound) { try FileFacts(at: place("moved/s")) }
    }

    @Test func `a listening socket that is handed over is served and left alone`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        let directory = try Directory.open(
            place.path,
            trust: DirectoryTrust(owners: [geteuid()], groups: [])
        )
        let given = try UnixListener(binding: "s", in: directory, mode: 0o600)
        try await served("/other/path", adopting: dup(given.raw)) { (socket) async throws in
            socket.set(Secret("credential"))
            #expect(try await read(path) == "credential")
        }
        #expect(try FileFacts(at: path).kind == .socket)
        _ = try await connect(to: .unix(path: path))
        #expect(throws: OutputError.self) {
            _ = try CredentialSocket(path: "/x", access: .init(), adopting: dup(0))
        }
    }
}

/// What a socket has reported.
final class Events: Sendable {
    private let events = Mutex<[SocketEvent]>([])

    var all: [SocketEvent] { events.withLock { $0 } }

    var note: @Sendable (SocketEvent) -> Void {
        { [self] event in events.withLock { $0.append(event) } }
    }
}

/// Runs the body beside a socket that is served.
func served(
    _ path: String,
    access: SocketAccess = .init(),
    adopting: Int32? = nil,
    timekeeper: any Timekeeper = SystemTimekeeper(),
    // The tests' clients are children of the test.
    isOwnDescendant: @escaping @Sendable (Int32) -> Bool = { _ in false },
    report: @escaping @Sendable (SocketEvent) -> Void = { _ in },
    _ body: (CredentialSocket) async throws -> Void
) async throws {
    let socket = try CredentialSocket(
        path: path,
        access: access,
        adopting: adopting,
        timekeeper: timekeeper,
        isOwnDescendant: isOwnDescendant,
        report: report
    )
    defer { socket.close() }
    try await body(socket)
}

/// Connects and reads to the end.
func read(_ path: String) async throws -> String {
    try await text(connect(to: .unix(path: path)))
}

private func text(_ stream: SocketStream) async throws -> String {
    var bytes: [UInt8] = []
    while true {
        let more = try await stream.read(upTo: 65_536)
        if more.isEmpty { return String(decoding: bytes, as: UTF8.self) }
        bytes += more
    }
}
