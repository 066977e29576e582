import Federation
import FoundationEssentials
import Glibc
import Kernel
import Synchronization
import TestSupport
import Testing

@testable import Outputs

/// What others do to what was delivered is noticed, and repaired by the next delivery.
@Suite(.timeLimit(.minutes(1)))
struct OutputRepairTests {
    struct Damage: CustomTestStringConvertible {
        let testDescription: String
        let work: @Sendable (String) throws -> Void
    }

    /// Done to DIRECTORY/a/file, DIRECTORY/a/socket and the directory output DIRECTORY/d.
    static let damages = [
        Damage(testDescription: "file removed") { unsafe unlink("\($0)/a/file") },
        Damage(testDescription: "file truncated") { unsafe truncate("\($0)/a/file", 0) },
        Damage(testDescription: "file with another byte of the same length") {
            let bytes = FileDescriptor(owning: unsafe open("\($0)/a/file", O_WRONLY))
            try unsafe bytes.writeAll([UInt8(ascii: "X")].span.bytes)
        },
        Damage(testDescription: "file of mode 0666") { unsafe chmod("\($0)/a/file", 0o666) },
        Damage(testDescription: "file with an access list") {
            setAccessList("\($0)/a/file", user: 4242, bits: 4)
            unsafe chmod("\($0)/a/file", 0o640)
        },
        Damage(testDescription: "file replaced by another") {
            try Data("other".utf8).write(to: URL(filePath: "\($0)/other"))
            try rename("\($0)/other", to: "\($0)/a/file")
        },
        Damage(testDescription: "socket removed") { unsafe unlink("\($0)/a/socket") },
        Damage(testDescription: "socket of mode 0666") { unsafe chmod("\($0)/a/socket", 0o666) },
        Damage(testDescription: "socket renamed") {
            try rename("\($0)/a/socket", to: "\($0)/a/other")
        },
        Damage(testDescription: "folder removed") {
            try FileManager.default.removeItem(atPath: "\($0)/a")
        },
        Damage(testDescription: "folder renamed") { try rename("\($0)/a", to: "\($0)/b") },
        Damage(testDescription: "link of a directory output removed") {
            unsafe unlink("\($0)/d/credential")
        },
        Damage(testDescription: "present link of a directory output removed") {
            unsafe unlink("\($0)/d/..data")
        },
        Damage(testDescription: "file of a directory output truncated") {
            unsafe truncate("\($0)/d/credential.json", 0)
        },
        Damage(testDescription: "directory output removed") {
            try FileManager.default.removeItem(atPath: "\($0)/d")
        },
    ]

    @Test(arguments: damages)
    func `damage is noticed and repaired`(_ damage: Damage) async throws {
        let place = ScratchDirectory()
        let set = try Self.outputs(in: place.path)
        let credential = mondooCredential()
        _ = await set.deliver(credential)
        async let noticed: Void = set.damage()
        try damage.work(place.path)
        try await noticed
        let reports = await set.deliver(credential)
        #expect(reports.map { $0.failure?.message } == [nil, nil, nil])
        for file in ["a/file", "d/credential.json"] {
            #expect(try Self.contents(place(file)) == mondooDocument)
        }
        #expect(try FileFacts(at: place("a/file")).mode == 0o640)
        #expect(!hasAccessLists(place("a/file")))
        #expect(try FileFacts(at: place("a/socket")).mode == 0o600)
        #expect(try await read(place("a/socket")) == mondooDocument)
        await set.close(removing: true)
    }

    @Test func `what is whole is left alone by a second delivery of the same credential`()
        async throws
    {
        let place = ScratchDirectory()
        let set = try Self.outputs(in: place.path)
        let credential = mondooCredential()
        _ = await set.deliver(credential)
        let before = try ["a/file", "a/socket", "d/credential"].map { try FileFacts(at: place($0)) }
        unsafe unlink(place("d/expires_at"))
        let reports = await set.deliver(credential)
        #expect(reports.map { $0.failure == nil } == [true, true, true])
        let after = try ["a/file", "a/socket", "d/credential"].map { try FileFacts(at: place($0)) }
        #expect(before[0].isSameFile(as: after[0]))
        #expect(before[1].isSameFile(as: after[1]))
        #expect(!before[2].isSameFile(as: after[2]))
        await set.close(removing: true)
    }

    @Test func `nobody waits for damage to outputs that are closed`() async throws {
        let place = ScratchDirectory()
        let set = try Self.outputs(in: place.path)
        _ = await set.deliver(mondooCredential())
        let waiting = Task { try await set.damage() }
        await set.close(removing: true)
        await #expect(throws: CancellationError.self) { try await waiting.value }
        await #expect(throws: CancellationError.self) { try await set.damage() }
    }

    /// Were its own writing damage, there would be a loop without end.
    @Test func `its own deliveries and withdrawals are no damage`() async throws {
        let place = ScratchDirectory()
        let set = try Self.outputs(in: place.path)
        let credential = mondooCredential()
        let box = Box()
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await set.damage()
                box.add("damage")
            }
            for _ in 0..<3 {
                _ = await set.deliver(credential)
                _ = await set.deliver(tokenCredential("t"))
                _ = await set.withdraw()
            }
            _ = await set.deliver(credential)
            // Heard after all that was done before it.
            let other = PathWatch()
            try other.watch([(place.path, .names)])
            unsafe mkdir(place("x"), 0o700)
            _ = try await other.next(settling: 0.5)
            #expect(box.all == [])
            unsafe unlink(place("a/file"))
            try await group.next()
            #expect(box.all == ["damage"])
        }
        await set.close(removing: true)
    }

    @Test(arguments: ["a/file", "a/socket", "d/credential"])
    func `what cannot be repaired fails, and is repaired once it can be`(_ name: String)
        async throws
    {
        let place = ScratchDirectory()
        let set = try Self.outputs(in: place.path)
        let credential = mondooCredential()
        _ = await set.deliver(credential)
        unsafe unlink(place(name))
        unsafe mkdir(place(name), 0o700)
        try await set.damage()
        let broken = await set.deliver(credential)
        #expect(broken.filter { $0.failure != nil }.count == 1)
        // It is known, and not told again; nor is the attempt that failed.
        async let again: Void = set.damage()
        unsafe rmdir(place(name))
        try await again
        let repaired = await set.deliver(credential)
        #expect(repaired.allSatisfy { $0.failure == nil })
        #expect(try await read(place("a/socket")) == mondooDocument)
        await set.close(removing: true)
    }

    @Test func `a directory that was opened to all is damage that cannot be repaired`() async throws
    {
        let place = ScratchDirectory()
        let set = try Self.outputs(in: place.path)
        let credential = mondooCredential()
        _ = await set.deliver(credential)
        unsafe chmod(place("a"), 0o777)
        try await set.damage()
        let reports = await set.deliver(credential)
        #expect(reports.map { $0.failure == nil } == [false, false, true])
        #expect(reports[0].failure?.message.contains("writable by others (mode 0777)") == true)
        // The socket that is there is served on.
        #expect(try await read(place("a/socket")) == mondooDocument)
        unsafe chmod(place("a"), 0o700)
        await set.close(removing: true)
    }

    @Test func `a socket without a credential comes back by itself`() async throws {
        let place = ScratchDirectory()
        let set = try Self.outputs(in: place.path)
        let credential = mondooCredential()
        let before = try FileFacts(at: place("a/socket"))
        try await withThrowingTaskGroup { group in
            group.addTask { try await set.damage() }
            try FileManager.default.removeItem(atPath: place("a"))
            await yieldUntil { (try? FileFacts(at: place("a/socket"))) != nil }
            #expect(try !FileFacts(at: place("a/socket")).isSameFile(as: before))
            let path = place("a/socket")
            async let served = Self.readOnceListening(path)
            _ = await set.deliver(credential)
            #expect(try await served == mondooDocument)
            group.cancelAll()
        }
    }

    private static func outputs(in directory: String) throws -> OutputSet {
        let outputs = """
            [{"format": "json", "path": "\(directory)/a/file", "mode": "0640"},
             {"format": "socket", "path": "\(directory)/a/socket", "content": "json"},
             {"format": "directory", "path": "\(directory)/d"}]
            """
        return try OutputSet(account: account(outputs: outputs), runtimeDirectory: "/unused")
    }

    /// The file is there a moment before it is listened at.
    private static func readOnceListening(_ path: String) async throws -> String {
        while true {
            do {
                return try await read(path)
            } catch let error as Errno where error == .connectionRefused {
                try Task.checkCancellation()
                await Task.yield()
            }
        }
    }

    private static func contents(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }
}

extension OutputSet {
    /// Returns when a look finds damage; looks are taken when something is done about the outputs.
    /// - Throws: `CancellationError` where the task is cancelled or the outputs are closed.
    fileprivate func damage() async throws {
        let touched = Wakeup()
        listen { touched.ring() }
        while await !look() {
            if isClosed.withLock(\.self) { throw CancellationError() }
            await touched.wait()
            try Task.checkCancellation()
        }
    }
}
