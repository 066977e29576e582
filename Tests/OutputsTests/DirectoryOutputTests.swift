import Federation
import FoundationEssentials
import Glibc
import Kernel
import TestSupport
import Testing

@testable import Outputs

@Suite struct DirectoryOutputTests {
    @Test func `the generation before the last goes, and what a killed process left`() throws {
        let place = ScratchDirectory()
        for _ in 0..<3 { try Self.deliver(to: place.path) }
        // One of its own, one that a process was killed over, one that it made at last.
        #expect(try Self.generations(in: place.path).count == 2)
        unsafe mkdir(place("..wif-0123456789abcdef"), 0o700)
        try Self.write(place("..wif-0123456789abcdef/.credential.wif-0123456789abcdef"))
        unsafe symlink("..data/credential", place("..wif-fedcba9876543210"))
        try Self.deliver(to: place.path)
        #expect(try Self.generations(in: place.path).count == 2)
        let output = try DirectoryOutput(path: place.path, options: FileOptions())
        try output.remove()
        #expect(try Self.generations(in: place.path) == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == [])
    }

    @Test(arguments: [(0o600, 0o700), (0o640, 0o750), (0o604, 0o705), (0o644, 0o755)])
    func `who may read a file may look it up`(mode: UInt32, directory: UInt32) throws {
        let place = ScratchDirectory()
        var options = FileOptions()
        options.mode = mode
        _ = try DirectoryOutput(path: place("own"), options: options)
        #expect(try FileFacts(at: place("own")).mode == directory)
        options.group = "\(getegid())"
        _ = try DirectoryOutput(path: place("group"), options: options)
        #expect(try FileFacts(at: place("group")).mode == directory | 0o050)
    }

    @Test func `a warning of one of its files is a warning of it`() throws {
        let place = ScratchDirectory()
        let output = try DirectoryOutput(path: place.path, options: FileOptions())
        // Quoted in credential.env, for systemd alone.
        let rendered = try output.write(tokenCredential("a!b"), for: account())
        #expect(rendered.warnings.count == 1)
    }

    /// The owner of the directory may have moved in what is another's, to have root remove it.
    @Test(arguments: ["data", "credential/x", "credential -> /etc/passwd", "nothing of this form"])
    func `what was put beside its generations is never removed`(_ kind: String) throws {
        let place = ScratchDirectory()
        let planted = place(
            kind.hasPrefix("nothing") ? "..wif-planted" : "..wif-0123456789abcdef"
        )
        unsafe mkdir(planted, 0o700)
        switch kind {
        case "credential/x":
            unsafe mkdir("\(planted)/credential", 0o700)
            try Self.write("\(planted)/credential/x")
        case "credential -> /etc/passwd": unsafe symlink("/etc/passwd", "\(planted)/credential")
        case "data": try Self.write("\(planted)/data")
        default: try Self.write("\(planted)/credential")
        }
        let before = try Self.names(below: planted)
        let output = try DirectoryOutput(path: place.path, options: FileOptions())
        for _ in 0..<3 { _ = try output.write(mondooCredential(), for: account()) }
        #expect(try Self.names(below: planted) == before)
        try output.remove()
        #expect(try Self.names(below: planted) == before)
    }

    @Test(.enabled(if: geteuid() == 0, "giving files away takes root"))
    func `another user's directory of such a name stays`() throws {
        let place = ScratchDirectory()
        let planted = place("..wif-0123456789abcdef")
        unsafe mkdir(planted, 0o755)
        try Self.write("\(planted)/credential")
        unsafe chown(planted, 4242, 4242)
        try Self.deliver(to: place.path)
        #expect(try Self.names(below: planted) == ["credential"])
    }

    @Test func `another directory in its generation's place stays`() throws {
        let place = ScratchDirectory()
        let output = try DirectoryOutput(path: place.path, options: FileOptions())
        _ = try output.write(mondooCredential(), for: account())
        let name = try #require(try Self.generations(in: place.path).first)
        try rename(place(name), to: place("moved"))
        unsafe mkdir(place(name), 0o700)
        try Self.write(place("\(name)/credential"))
        for _ in 0..<3 { _ = try output.write(mondooCredential(), for: account()) }
        #expect(try Self.names(below: place(name)) == ["credential"])
        #expect(try Self.names(below: place("moved")).count == 4)
        #expect(output.holds(mondooCredential(), for: try account()))
    }

    @Test(arguments: ["credential", "..data"])
    func `another link of its name is refused and stays`(_ name: String) throws {
        let place = ScratchDirectory()
        unsafe symlink("/etc", place(name))
        let output = try DirectoryOutput(path: place.path, options: FileOptions())
        #expect(throws: OutputError.self) {
            try output.write(mondooCredential(), for: account())
        }
        try output.remove()
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == [name])
    }

    private static func deliver(to path: String) throws {
        let output = try DirectoryOutput(path: path, options: FileOptions())
        _ = try output.write(mondooCredential(), for: account())
    }

    private static func generations(in path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix("..wif-") }
    }

    private static func names(below path: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
    }

    private static func write(_ path: String) throws {
        try Data("x".utf8).write(to: URL(filePath: path))
    }
}
