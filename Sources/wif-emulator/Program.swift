import Federation
import Kernel

@main
private enum Program {
    static func main() async {
        let signals = Result { try Signals([Signal.terminate, Signal.interrupt]) }
        exitProcess(await run(Array(CommandLine.arguments.dropFirst()), signals))
    }
}

private func run(
    _ arguments: [String],
    _ signals: Result<Signals, any Error>
) async -> Int32 {
    do {
        switch try Command(parsing: arguments) {
        case .help: try writeToStandardOutput(Array(usage.utf8))
        case .version: try writeToStandardOutput(Array("\(versionLine(of: "wif-emulator"))\n".utf8))
        case .run(let options): try await play(options, until: try signals.get())
        }
        return 0
    } catch let error as UsageError {
        writeToStandardError("wif-emulator: \(error)\nhint: wif-emulator --help\n")
        return 64
    } catch {
        writeToStandardError("wif-emulator: \(error)\n")
        return 1
    }
}

/// Serves until a signal asks for the end.
private func play(_ options: Options, until signals: Signals) async throws {
    if let directory = options.directory { Announcement.begin(in: directory) }
    let emulator = try Emulator(options)
    try emulator.prepare()
    if let directory = options.directory { try emulator.announcement.write(to: directory) }
    try writeToStandardOutput(Array(emulator.announcement.exports.utf8))
    try await withThrowingTaskGroup { group in
        group.addTask { try await emulator.run() }
        group.addTask { _ = try await signals.next() }
        try await group.next()
        group.cancelAll()
    }
}
