import Testing

@testable import Kernel
@testable import wif_agent

extension ProcessOrigin {
    /// Of a process that was started with nothing special.
    static let plain = ProcessOrigin(mask: 0o022, coreLimit: (0, 0), ignored: 0, descriptors: [])
}

@Suite struct `A command's line` {
    private static let options = [
        Option(name: "config", short: "c", value: "FILE", help: ""),
        Option(name: "timeout", value: "SECONDS", help: ""),
        Option(name: "source", value: "SOURCE", help: ""),
        Option(name: "json", help: ""),
    ]

    private func parse(
        _ arguments: [String],
        maximalWords: Int = 1,
        endsAtWord: Bool = false,
        environment: [String: String] = [:]
    ) throws(UsageError) -> Invocation {
        try Invocation(
            arguments,
            options: Self.options,
            maximalWords: maximalWords,
            endsAtWord: endsAtWord,
            environment: environment,
            origin: .plain
        )
    }

    @Test(arguments: [
        ["-c", "x"], ["--config", "x"], ["--config=x"], ["-c=x"], ["--config", "y", "-c", "x"],
    ])
    func `gives an option its last value, in each way to write it`(arguments: [String]) throws {
        #expect(try parse(arguments).value("config") == "x")
    }

    @Test func `keeps all values of an option, and what is between its signs`() throws {
        let line = try parse(["--source=a=b", "--source", "", "--json", "-"])
        #expect(line.all("source") == ["a=b", ""])
        #expect(line.isSet("json"))
        #expect(line.words == ["-"])
        #expect(line.value("config") == nil)
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        let message: String
        let hint: String?

        var testDescription: String { arguments.joined(separator: " ") }

        init(_ arguments: [String], _ message: String, hint: String? = nil) {
            (self.arguments, self.message, self.hint) = (arguments, message, hint)
        }
    }

    @Test(arguments: [
        Mistake(["--confg", "x"], "unknown option --confg", hint: "did you mean --config?"),
        Mistake(["-x"], "unknown option -x"),
        Mistake(["--config"], "the option --config needs a value"),
        Mistake(["--json=1"], "the option --json takes no value"),
        Mistake(["a", "b"], "unexpected argument \"b\""),
        Mistake(["\u{FFFD}"], "an argument: \"\u{FFFD}\" is not UTF-8"),
        Mistake(["--source", "\u{FFFD}"], "--source: \"\u{FFFD}\" is not UTF-8"),
    ])
    func `that cannot be followed says why`(mistake: Mistake) {
        do throws(UsageError) {
            _ = try parse(mistake.arguments)
            Issue.record("accepted")
        } catch {
            #expect(error.message == mistake.message)
            #expect(error.hint == mistake.hint)
        }
    }

    @Test func `ends its options at two dashes, or at another command's first word`() throws {
        #expect(try parse(["--", "--json"]).words == ["--json"])
        let line = try parse(["--json", "ls", "-c", "\u{FFFD}"], maximalWords: 9, endsAtWord: true)
        #expect(line.words == ["ls", "-c", "\u{FFFD}"])
        #expect(line.value("config") == nil)
        #expect(line.isSet("json"))
    }

    @Test(arguments: [("0", false), ("false", false), ("No", false), ("1", true), ("", false)])
    func `takes variables where an option is not given`(value: String, isSet: Bool) throws {
        let environment = ["WIF_AGENT_JSON": value, "WIF_AGENT_SOURCE": "gcp"]
        let line = try parse([], environment: environment)
        #expect(line.isSet("json") == isSet)
        #expect(line.value("source") == "gcp")
        #expect(try parse(["--source", "x"], environment: environment).all("source") == ["x"])
    }

    @Test func `counts seconds, sixty where nothing is said of the time`() throws {
        #expect(try parse([]).timeout == 60)
        #expect(try parse(["--timeout", "0.5"]).timeout == 0.5)
        for text in ["-1", "x", "1e10", "inf", "nan"] {
            #expect(throws: UsageError.self) { try parse(["--timeout=\(text)"]).timeout }
        }
    }
}
