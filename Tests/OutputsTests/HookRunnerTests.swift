import Federation
import FoundationEssentials
import Glibc
import Kernel
import Outputs
import TestSupport
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct HookRunnerTests {
    private let runner = HookRunner(
        account: "mondoo",
        environment: ["PATH": "/usr/bin:/bin", "HOME": "/h", "LANG": "C", "SECRET": "s"]
    )
    private let expiry = WallTime(secondsSinceEpoch: 1_704_164_645)

    private func run(_ hooks: RefreshHook...) async throws -> [String] {
        try await runner.run(hooks, expiresAt: expiry).map(\.message)
    }

    private func script(_ text: String, _ path: String, mode: mode_t = 0o700) throws {
        let file = FileDescriptor(owning: unsafe creat(path, 0o700))
        try Secret("#!/bin/sh\n\(text)\n").withBytes { bytes throws(Errno) in
            try file.writeAll(bytes)
        }
        unsafe chmod(path, mode)
    }

    @Test func `a command sees five variables and no others`() async throws {
        let place = ScratchDirectory()
        let (program, output) = (place("hook"), place("out"))
        try script(#"env | sort > "$1""#, program)
        #expect(try await run(.command([program, output], timeout: 30)) == [])
        let file = FileDescriptor(owning: unsafe open(output, O_RDONLY))
        let text = String(decoding: try file.read(upTo: 4096), as: UTF8.self)
        let expected = """
            HOME=/h
            LANG=C
            PATH=/usr/bin:/bin
            PWD=
            WIF_AGENT_ACCOUNT=mondoo
            WIF_AGENT_EXPIRES_AT=2024-01-02T03:04:05Z

            """
        // The shell itself sets PWD.
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("PWD=") }
        #expect(lines == expected.split(separator: "\n").filter { $0 != "PWD=" })
    }

    /// A systemctl that writes down what it is asked, by the PATH of the agent.
    @Test func `a unit is a job that systemctl queues`() async throws {
        let place = ScratchDirectory()
        try script(#"echo "$@" >> "$0.asked"; [ "$5" != bad.service ]"#, place("systemctl"))
        let runner = HookRunner(
            account: "mondoo",
            environment: ["PATH": "\(place.path):/usr/bin:/bin", "XDG_RUNTIME_DIR": "/run/user/0"]
        )
        // Root's units are the system's, whatever its session has.
        let failures = try await runner.run(
            [.unit("a@b.service", .tryReloadOrRestart), .unit("bad.service", .restart)],
            expiresAt: expiry
        )
        let file = FileDescriptor(owning: unsafe open(place("systemctl.asked"), O_RDONLY))
        let asked = String(decoding: try file.read(upTo: 4096), as: UTF8.self)
        #expect(
            asked == """
                --no-block --no-ask-password try-reload-or-restart -- a@b.service
                --no-block --no-ask-password restart -- bad.service

                """
        )
        #expect(failures.count == 1)
        #expect(failures.first?.message.hasPrefix("hook restart bad.service: ") == true)
        #expect(failures.first?.message.contains("ended with exit code 1") == true)
        #expect(failures.first?.hint?.contains("bad.service") == true)
    }

    @Test func `without systemctl there are no units`() async throws {
        let place = ScratchDirectory()
        let runner = HookRunner(account: "mondoo", environment: ["PATH": place.path])
        let failures = try await runner.run([.unit("a.service", .restart)], expiresAt: expiry)
        #expect(
            failures.map(\.message) == [
                "hook systemctl: is not in \(place.path): units are systemd's"
            ]
        )
    }

    @Test func `one that fails is told of and does not stop the next`() async throws {
        let place = ScratchDirectory()
        try script("exit 3", place("a"))
        try script("touch \(place("done"))", place("b"))
        let failures = try await run(
            .command([place("a")], timeout: 30),
            .command([place("missing")], timeout: 30),
            .command([place("b")], timeout: 30)
        )
        #expect(failures.count == 2)
        #expect(failures.first == "hook \(place("a")): ended with exit code 3")
        _ = try FileFacts(at: place("done"))
    }

    @Test func `one that hangs and shrugs off TERM is killed with its children`() async throws {
        let place = ScratchDirectory()
        let (program, pids) = (place("hook"), place("pids"))
        try script("trap '' TERM; sleep 1000 & echo $! > \(pids); wait; sleep 1000", program)
        let clock = VirtualTimekeeper()
        let runner = HookRunner(account: "a", environment: [:], timekeeper: clock)
        async let failures = runner.run([.command([program], timeout: 7)], expiresAt: expiry)
        await yieldUntil { (try? FileFacts(at: pids).size) ?? 0 > 0 }
        await clock.advanceToNextSleeper()
        await clock.advanceToNextSleeper()
        let messages = try await failures.map(\.message)
        #expect(messages == ["hook \(program): did not end within 7 s and was stopped"])
        #expect(clock.slept == [7, 5])
        let file = FileDescriptor(owning: unsafe open(pids, O_RDONLY))
        let pid = String(decoding: try file.read(upTo: 32), as: UTF8.self).trimmed
        await yieldUntil { isGone(pid) }
    }

    @Test func `one that hangs is asked to end first`() async throws {
        let place = ScratchDirectory()
        try script(
            "trap 'touch \(place("asked")); exit' TERM; touch \(place("begun")); sleep 1000 & wait",
            place("systemctl")
        )
        let clock = VirtualTimekeeper()
        let environment = ["PATH": "\(place.path):/usr/bin:/bin"]
        let runner = HookRunner(account: "a", environment: environment, timekeeper: clock)
        async let failures = runner.run([.unit("a.service", .restart)], expiresAt: expiry)
        await yieldUntil { (try? FileFacts(at: place("begun"))) != nil }
        await clock.waitForSleepers(1)
        clock.advance(by: 30)
        #expect(try await failures.count == 1)
        _ = try FileFacts(at: place("asked"))
    }

    @Test func `one that ends with 77 may have asked the agent`() async throws {
        let place = ScratchDirectory()
        try script("exit 77", place("a"))
        try script("exit 78", place("b"))
        let hooks: [RefreshHook] = ["a", "b"].map { .command([place($0)], timeout: 30) }
        let hints = try await runner.run(hooks, expiresAt: expiry).map { $0.hint ?? "" }
        #expect(hints.map { $0.contains("what descends from the agent") } == [true, false])
        #expect(hints.last?.hasPrefix("run it by hand as ") == true)
    }

    @Test(arguments: ["group-writable", "directory", "foreign"])
    func `a program that others could change is not run`(_ kind: String) async throws {
        if kind == "foreign" && geteuid() != 0 { return }
        let place = ScratchDirectory()
        let program = place("hook")
        try script(
            "touch \(place("done"))",
            program,
            mode: kind == "group-writable" ? 0o770 : 0o700
        )
        if kind == "directory" { unsafe chmod(place.path, 0o1777) }
        if kind == "foreign" { unsafe chown(program, 4242, .max) }
        #expect(try await run(.command([program], timeout: 30)).count == 1)
        #expect(throws: Errno.notFound) { try FileFacts(at: place("done")) }
        unsafe chmod(place.path, 0o700)
    }

    @Test func `a signal reaches the process of a pid file`() async throws {
        let place = ScratchDirectory()
        let request = ChildProcess.Request(
            path: "/bin/sleep",
            arguments: ["sleep", "1000"],
            environment: [:],
            descriptors: [-1, -1, -1]
        )
        let child = try ChildProcess(request)
        try script("", place("pid"), mode: 0o600)
        let directory = try Directory.open(
            place.path,
            trust: DirectoryTrust(owners: [geteuid()], groups: [])
        )
        _ = try directory.replace("pid", with: Secret("\(child.pid)\n"), FileRights(mode: 0o644))
        #expect(try await run(.signal("HUP", pidFile: place("pid"))) == [])
        #expect(try await child.wait() == .signaled(SIGHUP))
        #expect(try await run(.signal("HUP", pidFile: place("pid"))).count == 1)
        #expect(try await run(.signal("BOGUS", pidFile: place("pid"))).count == 1)
        _ = try directory.replace("pid", with: Secret("1\n"), FileRights(mode: 0o666))
        #expect(try await run(.signal("CONT", pidFile: place("pid"))).count == 1)
        _ = try directory.replace("pid", with: Secret("0\n"), FileRights(mode: 0o644))
        let none = try await run(.signal("CONT", pidFile: place("pid")))
        #expect(none == ["hook \(place("pid")): holds no process id"])
    }

    @Test(.enabled(if: geteuid() == 0, "becoming others takes root"))
    func `a pid file does not aim root's signal at a third party`() async throws {
        let place = ScratchDirectory()
        let request = ChildProcess.Request(
            path: "/usr/bin/setpriv",
            arguments: ["setpriv", "--reuid", "4242", "--clear-groups", "/bin/sleep", "1000"],
            environment: [:],
            descriptors: [-1, -1, -1]
        )
        let child = try ChildProcess(request)
        let status = "/proc/\(child.pid)"
        await yieldUntil { (try? FileFacts(at: status).owner) == 4242 }
        let directory = try Directory.open(
            place.path,
            trust: DirectoryTrust(owners: [], groups: [])
        )
        _ = try directory.replace("pid", with: Secret("\(child.pid)"), FileRights(mode: 0o644))
        let failures = try await run(.signal("HUP", pidFile: place("pid")))
        #expect(failures.first?.contains("not the file owner's") == true)
        child.signal(SIGKILL)
        #expect(try await child.wait() == .signaled(SIGKILL))
    }

    /// A killed process that nobody has reaped yet counts as gone.
    private func isGone(_ pid: String) -> Bool {
        let raw = unsafe open("/proc/\(pid)/stat", O_RDONLY)
        guard raw >= 0 else { return true }
        let file = FileDescriptor(owning: raw)
        let text = (try? file.read(upTo: 512)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.isEmpty || text.contains(") Z ")
    }
}
