import Kernel

/// Shows a text a screen at a time, as man(1) does: with `PAGER`, else `less`, else `more`.
struct Pager {
    private let invocation: Invocation

    init(_ invocation: Invocation) {
        self.invocation = invocation
    }

    /// Shows the file; as plain text where standard output is no terminal, and where no pager starts.
    func show(_ path: String) async throws {
        if isTerminal(1) {
            ignoreSignal(Signal.interrupt)
            for program in programs {
                if let pager = start(program + [path]) {
                    _ = try await pager.wait()
                    return
                }
            }
        }
        try emit(Self.plain(try readFile(path, limit: 1 << 20).bytes))
    }

    /// The command lines that are tried, one after the other; nothing in them is for a shell.
    private var programs: [[String]] {
        let named = invocation.environment["PAGER", default: ""]
            .split(separator: " ").map(String.init)
        return [named, ["less"], ["more"]].filter { !$0.isEmpty }
    }

    private func start(_ arguments: [String]) -> ChildProcess? {
        var request = ChildProcess.Request(
            path: arguments[0],
            arguments: arguments,
            // What fits on the screen is shown there, and stays.
            environment: ["LESS": "FRX"].merging(invocation.environment) { $1 },
            descriptors: [0, 1, 2]
        )
        request.searchesPath = true
        request.origin = invocation.origin
        do throws(Errno) { return try ChildProcess(request) } catch { return nil }
    }

    /// Without what makes letters bold on a printer and in a pager: each is given twice, with a backspace
    /// between; an underlined one follows a line and a backspace.
    static func plain(_ text: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        for byte in text {
            if byte == 8 { _ = result.popLast() } else { result.append(byte) }
        }
        return result
    }
}
