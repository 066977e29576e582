import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

@testable import TokenSources

@Suite(.timeLimit(.minutes(1)))
struct GivenTokenTests {
    let network = ScriptedTransport([.failure(.refused)])

    @Test func `a variable's token is trimmed and cannot be renewed`() async throws {
        let context = context(network, environment: ["ID": " \(googleToken)\n"])
        let found = try await context.subjectToken(from: .environment(name: "ID"))
        #expect(found.token.value.text == googleToken)
        #expect(!found.token.isRenewable)
    }

    @Test(arguments: [[:], ["ID": " \n"]])
    func `no variable, no token`(_ environment: [String: String]) async {
        let error = await failure(
            .environment(name: "ID"),
            context(network, environment: environment)
        )
        #expect(error?.class == .noSource)
        #expect(error?.message.contains("ID") == true)
    }

    @Test func `the process's own environment is not looked at`() async {
        let error = await failure(.environment(name: "PATH"), context(network))
        #expect(error?.class == .noSource)
    }

    @Test func `a token in the account file is used as it is`() async throws {
        let found = try await context(network).subjectToken(from: .literal(Secret("opaque")))
        #expect(found.token.value.text == "opaque")
        #expect(!found.token.isRenewable)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct TokenFileTests {
    let network = ScriptedTransport([.failure(.refused)])
    let directory: String

    init() throws {
        directory = FileManager.default.temporaryDirectory.path + "/token-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
    }

    private func write(_ text: String) throws -> String {
        let path = directory + "/token"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test(arguments: [
        (" \(googleToken)\n", TokenFormat.text),
        (#"{"a":1,"token":"\#(googleToken)"}"#, .json(field: "token")),
    ])
    func `reads text and JSON`(_ content: String, _ format: TokenFormat) async throws {
        let path = try write(content)
        let found = try await context(network).subjectToken(from: .file(path: path, format))
        #expect(found.token.value.text == googleToken)
        #expect(found.token.isRenewable)
    }

    @Test(arguments: [
        ("", TokenFormat.text, Failure.Class.noSource, "is empty"),
        ("x", .json(field: "t"), .noSource, "is not JSON"),
        ("{}", .json(field: "t"), .misconfigured, "has no string \"t\""),
        (String(repeating: "a", count: 1_048_577), .text, .misconfigured, "is over 1048576 bytes"),
    ])
    func `says what is wrong with the content`(
        _ content: String,
        _ format: TokenFormat,
        _ class: Failure.Class,
        _ text: String
    ) async throws {
        let path = try write(content)
        let error = await failure(.file(path: path, format), context(network))
        #expect(error?.class == `class`)
        #expect(error?.message.contains(text) == true, "\(String(describing: error))")
    }

    @Test func `says what is wrong with the path`() async {
        let missing = await failure(.file(path: directory + "/none", .text), context(network))
        #expect(missing?.class == .noSource)
        #expect(missing?.message.hasSuffix("cannot be read: No such file or directory") == true)
        let wrong = await failure(.file(path: directory, .text), context(network))
        #expect(wrong?.class == .misconfigured)
        #expect(wrong?.message.hasSuffix("is a directory, not a regular file") == true)
    }

    @Test func `waits for a rotation`() async throws {
        let path = try write("old")
        let time = VirtualTimekeeper()
        let source = TokenSource.file(path: path, .text)
        let context = context(network, timekeeper: time)
        let old = try await context.subjectToken(from: source).token
        async let replacement = context.replacement(for: old, from: source) { token in
            token.value.text == "new"
        }
        for _ in 0..<5 { await time.advanceToNextSleeper() }
        await time.waitForSleepers(1)
        _ = try write("new")
        await time.advanceToNextSleeper()
        #expect(await replacement?.value.text == "new")
    }

    @Test func `waits no longer than 30 s`() async throws {
        let path = try write("old")
        let time = VirtualTimekeeper(isSkipping: true)
        let source = TokenSource.file(path: path, .text)
        let context = context(network, timekeeper: time)
        let old = try await context.subjectToken(from: source).token
        #expect(await context.replacement(for: old, from: source) { _ in false } == nil)
        #expect(time.slept.count == 30)
    }
}
