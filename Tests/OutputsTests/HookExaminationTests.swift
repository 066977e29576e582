import Federation
import Glibc
import Kernel
import Outputs
import TestSupport
import Testing

/// What is said of a hook before it is run.
@Suite struct HookExaminationTests {
    private let runner = HookRunner(account: "mondoo", environment: ["PATH": "/usr/bin:/bin"])

    private func put(_ text: String, at path: String, mode: mode_t = 0o755) throws {
        let file = FileDescriptor(owning: unsafe creat(path, 0o700))
        try Secret(text).withBytes { bytes throws(Errno) in try file.writeAll(bytes) }
        unsafe chmod(path, mode)
    }

    private func finding(
        _ hook: RefreshHook,
        as user: FileUser = .current()
    ) -> (text: String, hint: String) {
        do throws(Failure) {
            let finding = try runner.examine(hook, as: user)
            return (finding.text, finding.hint ?? "")
        } catch {
            return (error.message, error.hint ?? "")
        }
    }

    @Test(arguments: [
        ("1\n", "names the process to signal, 1"),
        ("0", "holds no process id: no process is signalled"),
        ("-5", "holds no process id: no process is signalled"),
        ("x", "holds no process id: no process is signalled"),
        ("2147483647", "names process 2147483647, which does not run: no process is signalled"),
        // Too long to be one that is looked at.
        ("1" + String(repeating: " ", count: 64), "names the process to signal"),
    ])
    func `a pid file is told by what it holds`(content: String, text: String) throws {
        let place = ScratchDirectory()
        try put(content, at: place("pid"), mode: 0o644)
        #expect(finding(.signal("HUP", pidFile: place("pid"))).text == "\(place("pid")) \(text)")
    }

    @Test func `a signal needs a name and a file that nobody else can change`() throws {
        let place = ScratchDirectory()
        let path = place("pid")
        #expect(
            finding(.signal("HUP", pidFile: path)).text
                == "\(path) is not there: no process is signalled"
        )
        try put("1", at: path, mode: 0o644)
        #expect(
            finding(.signal("BOGUS", pidFile: path)).text
                == "hook \(path): no signal \"BOGUS\" that a hook could send"
        )
        unsafe chmod(path, 0o666)
        #expect(
            finding(.signal("HUP", pidFile: path)).text.hasPrefix("hook \(path): is not used: ")
        )
    }

    @Test func `a program can be run, or it is said what to do`() throws {
        let place = ScratchDirectory()
        let program = place("hook")
        let command = RefreshHook.command([program], timeout: 30)
        try put("#!/bin/sh\n", at: program)
        #expect(finding(command).text == "\(program) can be run")
        unsafe chmod(program, 0o600)
        let unexecutable = finding(command)
        #expect(unexecutable.text.hasPrefix("hook \(program): is not run: "))
        #expect(unexecutable.hint.contains("chmod a+rx \(program)"))
        let line = finding(.command(["/bin/ls -l"], timeout: 30)).hint
        let advice = "there is no shell that splits a line: write each word by itself, "
        #expect(line == advice + #"["/bin/ls", "-l"]"#)
        let absent = finding(.command(["/bin/no-such-program -l"], timeout: 30)).hint
        #expect(absent == advice + #"["/bin/no-such-program", "-l"], with a program that is there"#)
        #expect(!finding(.command(["/bin/no-such-program"], timeout: 30)).hint.contains("shell"))
    }

    @Test(.enabled(if: geteuid() == 0, "giving files away takes root"))
    func `a program is looked at for the user who is to run it`() throws {
        let place = ScratchDirectory()
        let program = place("hook")
        let command = RefreshHook.command([program], timeout: 30)
        let user = FileUser(id: 4242, groups: [4242])
        try put("#!/bin/sh\n", at: program)
        #expect(finding(command, as: user).text == "\(program) can be run")
        unsafe chmod(program, 0o700)
        #expect(finding(command, as: user).text.contains("cannot be run by"))
        unsafe chmod(program, 0o755)
        unsafe chown(program, 4242, 4242)
        let stranger = finding(command).hint
        let copy = "install -o root -g root -m 755 \(program) /usr/local/sbin/hook"
        #expect(stranger.contains("could change what the agent runs: \(copy)"))
    }
}
