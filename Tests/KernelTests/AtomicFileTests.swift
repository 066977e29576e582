import Glibc
import Kernel
import Synchronization
import TestSupport
import Testing

private let own = DirectoryTrust(owners: [geteuid()], groups: [])

@Suite(.timeLimit(.minutes(1)))
struct AtomicFileTests {
    @Test func `readers during two thousand rewrites see one whole version`() async throws {
        let scratch = ScratchDirectory()
        let path = scratch("credential")
        let directory = try Directory.open(scratch.path, trust: own)
        let versions = ["a", "b"].map { Secret(String(repeating: $0, count: 9_000)) }
        _ = try directory.replace("credential", with: versions[0], FileRights(mode: 0o600))
        let isDone = Flag()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var reads = 0
                    while !isDone.isSet.load(ordering: .relaxed) {
                        let bytes = contents(of: path)
                        try #require(bytes.count == 9_000 && Set(bytes).count == 1)
                        reads += 1
                        await Task.yield()
                    }
                    return reads
                }
            }
            for round in 0..<2_000 {
                _ = try directory.replace(
                    "credential",
                    with: versions[round % 2],
                    FileRights(mode: 0o600)
                )
                if round.isMultiple(of: 50) { await Task.yield() }
            }
            isDone.isSet.store(true, ordering: .relaxed)
            for try await reads in group { #expect(reads > 0) }
        }
        #expect(try directory.names() == ["credential"])
    }

    @Test func `the mode does not depend on the umask`() async {
        await #expect(processExitsWith: .success) {
            for (mask, mode) in [(0o000, 0o600), (0o777, 0o640), (0o077, 0o644)] {
                let scratch = ScratchDirectory()
                umask(mode_t(mask))
                let directory = try Directory.open(
                    scratch("made/deep"),
                    trust: DirectoryTrust(owners: [geteuid()], groups: []),
                    creating: .init(mode: 0o750)
                )
                let bits = UInt32(mode)
                let facts = try directory.replace("x", with: Secret("1"), FileRights(mode: bits))
                #expect(facts.mode == bits)
                #expect(try FileFacts(at: scratch("made/deep/x")).mode == bits)
                #expect(try FileFacts(at: scratch("made/deep")).mode == 0o750)
                #expect(try FileFacts(at: scratch("made")).mode == 0o750)
                umask(0o077)
            }
        }
    }

    @Test(arguments: ["link", "directory", "fifo", "dangling"])
    func `a target that is no regular file is refused and left alone`(_ kind: String) throws {
        let scratch = ScratchDirectory()
        switch kind {
        case "link": unsafe symlink("/etc/hostname", scratch("x"))
        case "dangling": unsafe symlink("nowhere", scratch("x"))
        case "directory": unsafe mkdir(scratch("x"), 0o700)
        default: unsafe mkfifo(scratch("x"), 0o600)
        }
        let directory = try Directory.open(scratch.path, trust: own)
        let before = try directory.facts(of: "x")
        let error = #expect(throws: PathError.self) {
            _ = try directory.replace("x", with: Secret("1"), FileRights(mode: 0o600))
        }
        #expect(error?.problem.hasSuffix("not a regular file") == true)
        #expect(try directory.facts(of: "x") == before)
        #expect(try directory.names() == ["x"])
    }

    @Test func `what a killed process left is removed, and nothing else`() throws {
        let scratch = ScratchDirectory()
        let kept = [".x.wif-0123456789abcde", ".y.wif-0123456789abcdef", ".x.wif-0123456789abcdeg"]
        for name in kept + [".x.wif-0123456789abcdef"] {
            close(unsafe creat(scratch(name), 0o600))
        }
        let directory = try Directory.open(scratch.path, trust: own)
        try directory.removeStale(of: "x")
        #expect(try Set(directory.names()) == Set(kept))
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a small file system takes root"))
    func `a full disk leaves the old file and no other`() async {
        await #expect(processExitsWith: .success) {
            let scratch = ScratchDirectory()
            let options = "size=16k,mode=0700"
            let mounted = unsafe mount("tmpfs", scratch.path, "tmpfs", 0, options)
            #expect(mounted == 0)
            let directory = try Directory.open(
                scratch.path,
                trust: DirectoryTrust(owners: [], groups: [])
            )
            // The open directory keeps it; nothing stays mounted whatever becomes of the test.
            unsafe umount2(scratch.path, 2)
            _ = try directory.replace("x", with: Secret("old"), FileRights(mode: 0o600))
            let big = Secret([UInt8](repeating: 1, count: 100_000))
            let error = #expect(throws: PathError.self) {
                _ = try directory.replace("x", with: big, FileRights(mode: 0o600))
            }
            #expect(error?.reason == .noSpace)
            #expect(contents(of: "/proc/self/fd/\(directory.raw)/x") == Array("old".utf8))
            #expect(try directory.names() == ["x"])
        }
    }

    @Test(.enabled(if: geteuid() == 0, "giving files away takes root"))
    func `owner and group are set`() throws {
        let scratch = ScratchDirectory()
        let directory = try Directory.open(scratch.path, trust: own)
        let facts = try directory.replace(
            "x",
            with: Secret("1"),
            FileRights(mode: 0o640, owner: 4242, group: 4343)
        )
        #expect((facts.owner, facts.group, facts.mode) == (4242, 4343, 0o640))
    }
}

private final class Flag: Sendable {
    let isSet = Atomic(false)
}

private func contents(of path: String) -> [UInt8] {
    let file = FileDescriptor(owning: unsafe open(path, O_RDONLY))
    var bytes: [UInt8] = []
    while let more = try? file.read(upTo: 4096), !more.isEmpty { bytes += more }
    return bytes
}
