import Federation
import FoundationEssentials
import Glibc
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing

@testable import TokenSources

@Suite(.timeLimit(.minutes(1)))
struct ProgramRunnerTests {
    func context(
        _ environment: [String: String] = [:],
        runsPrograms: Bool = true
    ) -> SourceContext {
        SourceContext(
            RequestContext(
                transport: ScriptedTransport([.failure(.refused)]),
                environment: environment,
                timekeeper: SystemTimekeeper(),
                deadline: BootInstant.now.advanced(bySeconds: 60)
            ),
            audience: "a",
            issuer: nil,
            machine: Machine(isGoogle: false, isAzure: false),
            runsPrograms: runsPrograms
        )
    }

    private func message(_ program: Program, _ context: SourceContext) async -> String {
        do throws(SourceError) {
            _ = try await context.run(program)
            return ""
        } catch {
            return error.message
        }
    }

    @Test func `output, exit code and environment are the program's own`() async throws {
        let place = ScratchDirectory()
        let path = try script(
            "echo \"$1 $KEY ${SECRET-unset}\"; echo noise >&2; exit 3",
            place("program")
        )
        let program = Program(command: [path, "one two"], variables: ["KEY": "v"])
        let result = try await context(["SECRET": "s"]).run(program)
        #expect(result.output.text == "one two v unset\n")
        #expect(result.status == .exited(3))
    }

    @Test func `a program that hangs is stopped with its descendants`() async throws {
        let place = ScratchDirectory()
        let path = try script(
            "trap '' TERM; sleep 50 & echo $! > \(place("pid")); sleep 50",
            place("program")
        )
        let before = BootInstant.now
        let text = await message(Program(command: [path], timeLimit: 0.5), context())
        #expect(text.hasSuffix("did not end within 0 s, and was stopped"))
        #expect(BootInstant.now.seconds(since: before) < 50)
    }

    @Test func `a descendant that keeps the output open holds nothing up`() async throws {
        let place = ScratchDirectory()
        let path = try script("setsid sleep 50 & echo done", place("program"))
        let before = BootInstant.now
        let result = try await context().run(Program(command: [path]))
        #expect(result.output.text == "done\n")
        #expect(BootInstant.now.seconds(since: before) < 50)
    }

    @Test func `ten megabytes are too many on standard output and none on the other`() async throws
    {
        let place = ScratchDirectory()
        let flood = "head -c 10000000 /dev/zero"
        let loud = try script(flood, place("program"))
        #expect(
            await message(Program(command: [loud]), context()).contains("wrote more than 1048576")
        )
        let chatty = try script("\(flood) >&2; echo ok", place("chatty"))
        #expect(try await context().run(Program(command: [chatty])).output.text == "ok\n")
    }

    @Test func `a program others can write to is not run`() async throws {
        let place = ScratchDirectory()
        let path = try script("echo no", place("program"))
        unsafe chmod(path, 0o777)
        let text = await message(Program(command: [path]), context())
        #expect(text.contains("writable by others"))
    }

    @Test func `a name is looked for along the requester's PATH`() async throws {
        let place = ScratchDirectory()
        _ = try script("echo found", place("tool"))
        let found = context(["PATH": "relative:/nonexistent:\(place.path)"])
        #expect(try await found.run(Program(command: ["tool"])).output.text == "found\n")
        let text = await message(Program(command: ["tool"]), context(["PATH": "/nonexistent"]))
        #expect(text == "tool is not found in PATH")
    }

    @Test func `a worker without programs refuses`() async throws {
        let text = await message(Program(command: ["/bin/true"]), context(runsPrograms: false))
        #expect(text.contains("this worker may not run programs"))
    }
}
