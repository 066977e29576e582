import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Kernel

/// What is said of a program that cannot be started.
@Suite struct StartAdviceTests {
    private func file(_ scratch: borrowing ScratchDirectory, _ text: String) throws -> String {
        let path = scratch("program")
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    static let rows: [(text: String, error: Errno, said: String)] = [
        ("#!/bin/sh\r\necho\r\n", .notFound, "line ends of Windows"),
        ("#!/usr/bin/nosuch -x\n", .notFound, "the interpreter /usr/bin/nosuch:"),
        ("\u{7F}ELF", .notFound, "the loader"),
        ("echo\n", .noExecutable, "#!/bin/sh"),
        ("#!/bin/sh\n", .noAccess, "chmod a+rx"),
    ]

    @Test(arguments: rows)
    func `a file tells why it cannot be started`(text: String, error: Errno, said: String) throws {
        let scratch = ScratchDirectory()
        let path = try file(scratch, text)
        #expect(startAdvice(path, error)?.contains(said) == true)
    }

    @Test(
        arguments: [
            ("#!/bin/sh\necho\n", nil), ("\u{7F}ELF", nil),
            ("#!/bin/sh\r\n", "line ends of Windows"),
            ("echo\n", "first line"), ("#! /usr/bin/nosuch\n", "the interpreter /usr/bin/nosuch:"),
        ] as [(String, String?)]
    )
    func `a file tells before it is started`(text: String, said: String?) throws {
        let scratch = ScratchDirectory()
        let objection = startObjection(try file(scratch, text))
        #expect(said == nil ? objection == nil : objection?.contains(said ?? "") == true)
    }

    @Test func `a directory is none`() {
        #expect(startAdvice("/usr", .noAccess)?.contains("is a directory") == true)
    }

    @Test func `a command line in quotes is one word`() {
        let said = programAdvice("no-such a b", .notFound, path: "/usr/bin:/bin")
        #expect(said?.contains("-- no-such a b;") == true)
        #expect(said?.contains("sh -c 'no-such a b'") == true)
    }

    @Test func `a name is looked for along PATH`() throws {
        let scratch = ScratchDirectory()
        _ = try file(scratch, "#!/bin/sh\n")
        let said = programAdvice("program", .noAccess, path: "/nosuch:\(scratch.path)")
        #expect(said == "chmod a+rx \(scratch.path)/program")
        let missing = programAdvice("no-such", .notFound, path: "/nosuch")
        #expect(missing?.contains("PATH (/nosuch)") == true)
    }

    @Test func `a process tells its command line and its variables`() {
        let own = Int(getpid())
        #expect(startEnvironment(of: own) != nil)
        #expect(startEnvironment(of: -1) == nil)
        #expect(processes(named: "no such program").isEmpty)
    }
}
