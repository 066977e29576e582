import Federation
import FoundationEssentials
import Kernel
import TestSupport
import Testing
import Text

/// Every source through the real worker, against the emulator.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct SourcesTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var arguments: [String] = []
        /// `DIR` stands for the emulator's directory.
        let source: String
        var isRenewable = true

        /// A CI system with a variable.
        init(job: String) {
            testDescription = job
            arguments = ["--platform", job]
            source = #"{"provider":"\#(job)"}"#
            isRenewable = false
        }

        init(
            _ name: String,
            _ arguments: [String],
            _ source: String
        ) {
            testDescription = name
            self.arguments = arguments
            self.source = source
        }
    }

    static let rows =
        ["gitlab", "circleci", "bitbucket", "terraform", "vercel", "spacelift"].map(Row.init(job:))
        + [
            Row("azure-pipelines", ["--platform", "azure-pipelines"], provider("azure-pipelines")),
            Row("aws", ["--platform", "aws"], provider("aws")),
            Row("aws", ["--platform", "aws"], provider("auto")),
            Row("aws", aws("container"), provider("aws")),
            Row("aws", aws("environment"), provider("aws")),
            Row("buildkite", ["--platform", "buildkite"], provider("buildkite")),
            Row("codefresh", ["--platform", "codefresh"], provider("codefresh")),
            Row("codefresh", ["--platform", "codefresh"], provider("auto")),
            Row("azure imds", ["--platform", "azure"], provider("azure")),
            Row("azure app service", azure("app-service"), provider("azure")),
            Row("azure workload identity", azure("workload"), provider("azure")),
            Row(
                "fly",
                ["--platform", "fly", "--listen", "unix:DIR/fly=fly"],
                #"{"provider":"fly","socket":"DIR/fly"}"#
            ),
            Row(
                "kubernetes",
                ["--platform", "kubernetes", "--tls", "--tls-hosts", "127.0.0.1"],
                #"{"provider":"kubernetes","directory":"DIR/kubernetes/serviceaccount"}"#
            ),
            Row(
                "kubernetes",
                ["--platform", "kubernetes"],
                #"{"provider":"kubernetes","path":"DIR/kubernetes/projected/token"}"#
            ),
            Row(
                "spiffe",
                ["--platform", "kubernetes"],
                #"{"provider":"spiffe","path":"DIR/kubernetes/projected/token"}"#
            ),
            Row(
                "executable",
                ["--platform", "kubernetes"],
                #"{"executable":{"command":["/bin/cat","DIR/kubernetes/projected/token"]}}"#
            ),
        ]

    private static func provider(_ name: String) -> String { #"{"provider":"\#(name)"}"# }

    private static func aws(_ credentials: String) -> [String] {
        ["--platform", "aws", "--aws-credentials", credentials]
    }

    private static func azure(_ endpoint: String) -> [String] {
        ["--platform", "azure", "--azure-endpoint", endpoint]
    }

    @Test(arguments: rows)
    func `a source's token becomes a credential`(row: Row) async throws {
        let place = ScratchDirectory()
        let arguments = row.arguments.map { $0.replacing("DIR", with: place.path) }
        let output = try Pipe()
        let emulator = try start(
            "wif-emulator",
            arguments + ["--directory", place.path],
            descriptor: output.writing.raw
        )
        defer { emulator.signal(Signal.kill) }
        // It prints its variables when all its files are there.
        let reading = try SendableDescriptor(nonBlocking: output.takeReading())
        var lines = LineReader(reading.raw, limit: 65_536)
        #expect(try await lines.next() != nil)

        let job = try job(row.source.replacing("DIR", with: place.path), in: place.path)
        try Data(job.line()).write(to: URL(filePath: place("job")))
        // What the agent allows its worker for the job is enough.
        let account = try Account(parsing: job.document, path: job.path)
        let allowance = job.kind.allowance(for: account, in: job.environment)
        let result = try await work(allowance.arguments, place("job"), place("result"))
        guard case .credential = result.outcome else {
            Issue.record("\(result.outcome)")
            return
        }
        #expect(result.proof?.source == row.testDescription)
        #expect(result.proof?.isRenewable == row.isRenewable)
    }

    private func job(_ source: String, in directory: String) throws -> Job {
        let file = try readFile("\(directory)/mondoo.json", limit: 65_536)
        var members = try #require(try JSON(parsing: file.bytes).object)
        members["credentialSource"] = try JSON(parsing: source.utf8)
        let lines = try readFile("\(directory)/environment", limit: 1 << 20).text
        var environment: [String: String] = [:]
        for line in lines.split(separator: "\n") {
            let parts = line.dropFirst("export ".count).split(separator: "=", maxSplits: 1)
            environment[String(parts[0])] = String(parts[1].dropFirst().dropLast())
        }
        return Job(
            id: 1,
            kind: .exchange,
            path: "/account.json",
            document: Secret(JSON.object(members).serialized()),
            environment: environment
        )
    }

    private func work(
        _ arguments: [String],
        _ input: String,
        _ output: String
    ) async throws -> JobResult {
        let worker = try start("wif-exchange", arguments, input: input, output: output)
        let exit = try await worker.wait()
        #expect(exit == .exited(0))
        return try JobResult(parsing: try readFile(output, limit: 1 << 20).bytes, period: anyTime)
    }

    /// Programs under a sanitizer are told of it as the tests are.
    private let sanitizerOptions = ProcessInfo.processInfo.environment.filter {
        $0.key == "TSAN_OPTIONS" || $0.key == "ASAN_OPTIONS"
    }

    /// The programs are built beside the tests.
    private func start(
        _ name: String,
        _ arguments: [String],
        input: String? = nil,
        output: String? = nil,
        descriptor: Int32 = -1
    ) throws -> ChildProcess {
        let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: name).path
        // A shell opens the files; what it becomes is the program itself.
        let redirections = "\(input.map { " <\($0)" } ?? "")\(output.map { " >\($0)" } ?? "")"
        return try ChildProcess(
            ChildProcess.Request(
                path: "/bin/sh",
                arguments: ["sh", "-c", "exec \"$@\"\(redirections)", "sh", program] + arguments,
                environment: sanitizerOptions,
                descriptors: [-1, descriptor, 2]
            )
        )
    }
}
