import Federation
import FoundationEssentials
import Glibc
import Kernel
import TestSupport
import Testing

@testable import Outputs

@Suite struct ProtectedPlacesTests {
    struct Row: CustomTestStringConvertible {
        let testDescription: String
        /// Below the scratch directory; absolute ones are as they stand.
        let path: String
        var format = "raw"
        let says: String
    }

    static let refused = [
        Row(testDescription: "an account file", path: "accounts/a.json", says: "take the place of"),
        Row(
            testDescription: "through a linked directory",
            path: "link/a.json",
            says: "take the pl"
        ),
        Row(
            testDescription: "behind a linked file",
            path: "elsewhere/b",
            says: "take the place of"
        ),
        Row(
            testDescription: "a new account file",
            path: "accounts/new.json",
            says: "be read as an"
        ),
        Row(
            testDescription: "the same by a link",
            path: "link/new.json",
            says: "be read as an acc"
        ),
        Row(
            testDescription: "a directory output among accounts",
            path: "accounts",
            format: "directory",
            says: "be read as an account file"
        ),
        Row(
            testDescription: "a socket",
            path: "accounts/a.json",
            format: "socket",
            says: "take the"
        ),
        Row(testDescription: "proc", path: "/proc/sys/kernel/core_pattern", says: "kernel's own"),
        Row(testDescription: "sys", path: "/sys/fs/new/x", says: "kernel's own interfaces"),
    ]

    @Test(arguments: refused)
    func `an output that would be an account or a program is refused`(_ row: Row) throws {
        let place = try Self.place()
        let path = row.path.hasPrefix("/") ? row.path : place(row.path)
        let output = try Self.output(path, row.format)
        let error = #expect(throws: OutputError.self) {
            try output.check(against: Self.protected(place.path))
        }
        #expect(error?.description.contains(row.says) == true)
        #expect(error?.hint != nil)
        #expect(error?.failure.class == .misconfigured)
    }

    @Test(arguments: ["accounts/a", "accounts/.new.json", "elsewhere/new.json", "new/x.json"])
    func `any other is accepted`(_ name: String) throws {
        let place = try Self.place()
        try Self.output(place(name), "raw").check(against: Self.protected(place.path))
    }

    @Test func `an account's own file, hooks and programs are protected`() throws {
        let document = """
            {"type": "external_account", "audience": "//captain.api.mondoo.app/spaces/x",
             "issuerUri": "https://accounts.google.com",
             "credentialSource": {"executable": {"command": ["/usr/bin/env", "/etc/passwd"]}},
             "onRefresh": [{"command": ["/bin/sh", "-c", "true"]}]}
            """
        let account = try Account(parsing: Secret(document), path: "/etc/hostname")
        let protected = ProtectedPlaces(of: account)
        for path in ["/etc/hostname", "/usr/bin/env", "/bin/sh", try realPath("/proc/self/exe")] {
            #expect(throws: OutputError.self, "\(path)") {
                try Self.output(path, "raw").check(against: protected)
            }
        }
        // What a program is given is no program.
        try Self.output("/etc/passwd", "raw").check(against: protected)
        let others = ProtectedPlaces(accountFiles: ["/etc/passwd"], directories: [])
        #expect(throws: OutputError.self) {
            try Self.output("/etc/passwd", "raw").check(against: protected.adding(others))
        }
        #expect(throws: OutputError.self) {
            _ = try OutputSet(
                account: account.replacingOutputs([try Self.output("/etc/hostname", "raw")]),
                runtimeDirectory: "/unused"
            )
        }
    }

    @Test func `a file that the token comes from is protected`() throws {
        let document = """
            {"type": "external_account", "audience": "//captain.api.mondoo.app/spaces/x",
             "issuerUri": "https://accounts.google.com", "credentialSource": {"file": "/etc/passwd"}}
            """
        let account = try Account(parsing: Secret(document), path: "/etc/hostname")
        #expect(throws: OutputError.self) {
            try Self.output("/etc/passwd", "raw").check(against: ProtectedPlaces(of: account))
        }
    }

    private static func place() throws -> ScratchDirectory {
        let place = ScratchDirectory()
        for name in ["accounts", "elsewhere"] { unsafe mkdir(place(name), 0o700) }
        unsafe symlink("accounts", place("link"))
        for name in ["accounts/a.json", "elsewhere/b"] {
            try Data("{}".utf8).write(to: URL(filePath: place(name)))
        }
        unsafe symlink("../elsewhere/b", place("accounts/b.json"))
        return place
    }

    private static func protected(_ place: String) -> ProtectedPlaces {
        ProtectedPlaces(
            accountFiles: ["\(place)/accounts/a.json", "\(place)/accounts/b.json"],
            directories: ["\(place)/accounts"]
        )
    }

    private static func output(_ path: String, _ format: String) throws -> Output {
        let outputs = #"[{"format": "\#(format)", "path": "\#(path)"}]"#
        return try account(outputs: outputs).configuredOutputs[0]
    }
}
