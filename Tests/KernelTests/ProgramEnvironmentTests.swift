import Glibc
import TestSupport
import Testing

@testable import Kernel

@Suite struct ProgramEnvironmentTests {
    @Test func `path, home and language are handed on, and nothing else`() {
        let given = ["PATH": "/usr/bin:/bin", "HOME": "/", "LANG": "C", "SECRET": "s"]
        let found = programEnvironment(from: given)
        #expect(found == ["PATH": "/usr/bin:/bin", "HOME": "/", "LANG": "C"])
    }

    @Test func `directories in which others could put programs are left out`() {
        let place = ScratchDirectory()
        for (name, mode) in [("good", 0o755), ("wide", 0o777), ("sticky", 0o1777)] {
            unsafe mkdir(place(name), 0o700)
            unsafe chmod(place(name), mode_t(mode))
        }
        let path =
            ["wide", "sticky", "good", "missing"].map { place($0) } + ["relative", "", "/bin"]
        let found = programEnvironment(from: ["PATH": path.joined(separator: ":")])
        #expect(found["PATH"] == "\(place("good")):\(place("missing")):/bin")
        #expect(programEnvironment(from: ["PATH": place("wide")])["PATH"] == usualProgramPath)
        #expect(programEnvironment(from: [:]) == ["PATH": usualProgramPath])
    }

    @Test(.enabled(if: geteuid() == 0, "giving directories away takes root"))
    func `another user's home is not handed on`() {
        let place = ScratchDirectory()
        unsafe mkdir(place("home"), 0o755)
        #expect(programEnvironment(from: ["HOME": place("home")])["HOME"] == place("home"))
        unsafe chown(place("home"), 4242, 4242)
        #expect(programEnvironment(from: ["HOME": place("home")])["HOME"] == "/root")
    }
}
