import Agent
import Federation
import Kernel
import Text

@main
struct Program {
    static func main() {
        let origin = hardenProcess()
        ignoreSignal(Signal.pipe)
        let environment = processEnvironment()
        let arguments = Command.arguments(
            calledAs: CommandLine.arguments.first ?? "",
            Array(CommandLine.arguments.dropFirst())
        )
        // The long-lived one; the others are gone soon, or become what they were asked to start.
        if arguments.first == "run" {
            do throws(Errno) {
                try Sandbox.enterAgentFilter()
                try keepAgentCapabilities()
            } catch {
                complain("the agent's sandbox cannot be entered: \(error)", hint: nil)
                exitProcess(71)
            }
        }
        do throws(Errno) {
            exitProcess(try MainLoop.run { await exitCode(arguments, environment, origin) })
        } catch {
            complain("events cannot be waited for: \(error)", hint: error.limitHint)
            exitProcess(75)
        }
    }

    private static func exitCode(
        _ arguments: [String],
        _ environment: [String: String],
        _ origin: ProcessOrigin
    ) async -> Int32 {
        do {
            return try await run(arguments, environment, origin)
        } catch let error as UsageError {
            complain(error.message, hint: error.hint)
            return 64
        } catch let error as CommandFailure {
            complain(error.failure.message, hint: error.failure.hint)
            return error.exitCode
        } catch {
            complain("\(error)", hint: nil)
            return 75
        }
    }

    private static func run(
        _ arguments: [String],
        _ environment: [String: String],
        _ origin: ProcessOrigin
    ) async throws -> Int32 {
        guard let name = arguments.first else {
            throw UsageError(message: "a command is missing", hint: "wif-agent --help lists them")
        }
        switch name {
        case "--help", "-h": return try show(Help.overview())
        case "--version": return try show(versionLine(of: "wif-agent") + "\n")
        default: break
        }
        guard let command = Command.all.first(where: { $0.name == name }) else {
            let guess = nearest(to: name, among: Command.all.map(\.name))
            throw UsageError(
                message: "unknown command \"\(name.printable)\"",
                hint: guess.map { "did you mean \($0)?" } ?? "wif-agent --help lists them"
            )
        }
        let invocation = try Invocation(
            arguments.dropFirst(),
            options: command.allOptions,
            maximalWords: command.maximalWords,
            endsAtWord: command.takesCommand,
            environment: environment,
            origin: origin
        )
        if invocation.isSet("help") { return try show(Help.of(command)) }
        if invocation.isSet("version") { return try show(versionLine(of: "wif-agent") + "\n") }
        return try await command.run(invocation)
    }
}

/// A command that has failed: why, and the exit code that says so.
struct CommandFailure: Error {
    var failure: Failure
    let exitCode: Int32

    init(_ failure: Failure, exitCode: Int32? = nil) {
        self.failure = failure
        self.exitCode = exitCode ?? failure.exitCode
    }

    /// No account file is named, and the directory holds none.
    static func noAccountFile(in directory: String) -> CommandFailure {
        let note = AccountFiles.notePassedOver(in: directory)
        return CommandFailure(
            Failure(
                .misconfigured,
                at: .account,
                "there is no account file in \(directory.printable)\(note?.text ?? "")",
                hint: note?.hint
                    ?? "put one there, with a name that ends in .json, or name one with -c FILE"
            ),
            exitCode: 66
        )
    }

    init(_ problem: AccountFiles.Problem) {
        self.init(problem.failure, exitCode: problem.exitCode)
    }
}

/// Tells a person on standard error what went wrong.
func complain(_ message: String, hint: String?) {
    writeToStandardError("wif-agent: \(message)\n")
    if let hint { writeToStandardError("hint: \(hint)\n") }
}

/// Writes text to standard output; the exit code is that of success.
@discardableResult
func show(_ text: String) throws -> Int32 {
    try emit(Array(text.utf8))
    return 0
}

/// Writes bytes to standard output.
/// - Throws: ``CommandFailure`` with exit code 74 where they cannot be written.
func emit(_ bytes: [UInt8]) throws {
    do throws(Errno) {
        try writeToStandardOutput(bytes)
    } catch {
        throw CommandFailure(
            Failure(.misconfigured, at: .output, "standard output cannot be written: \(error)")
        )
    }
}
