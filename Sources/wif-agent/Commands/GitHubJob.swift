import Federation
import Kernel
import Text

/// The GitHub Actions job that a step runs in: where its environment is added to, and how a value is
/// kept out of its log.
struct GitHubJob {
    private let file: String

    /// - Throws: ``CommandFailure`` outside a job.
    init(_ environment: [String: String]) throws {
        guard let file = environment["GITHUB_ENV"], file.hasPrefix("/") else {
            throw CommandFailure(
                Failure(
                    .misconfigured,
                    at: .account,
                    environment["GITHUB_ENV"].map {
                        $0.isEmpty
                            ? "the variable GITHUB_ENV is empty"
                            : "the variable GITHUB_ENV names no file: \($0.printable) is no absolute path"
                    } ?? "the variable GITHUB_ENV is not set",
                    hint:
                        "--format github is for a step of a GitHub Actions job: in a container that a step starts,"
                        + " hand on the variable and its file, docker run -e GITHUB_ENV -v \"$GITHUB_ENV:$GITHUB_ENV\";"
                        + " elsewhere choose another format, --format env say"
                )
            )
        }
        self.file = file
    }

    /// Masks the secrets, then adds all variables to the environment of the job's later steps.
    /// - Throws: ``CommandFailure``; nothing is added then that was not masked before.
    func tell(_ variables: [(name: String, value: [UInt8])], secrets: [[UInt8]]) throws {
        try emit(secrets.flatMap(masks))
        var lines: [UInt8] = []
        defer { wipe(&lines) }
        for (name, value) in variables { lines += entry(name, value) }
        do throws(PathError) {
            try appendLines(lines, to: file)
        } catch {
            throw CommandFailure(
                Failure(.misconfigured, at: .output, "GITHUB_ENV: \(error)", hint: error.hint)
            )
        }
    }

    /// One workflow command a line: the runner masks line by line.
    private func masks(_ value: [UInt8]) -> [UInt8] {
        let lines = value.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        return lines.flatMap { line in
            Array("::add-mask::".utf8)
                // The only character left that a workflow command must escape.
                + line.flatMap { $0 == UInt8(ascii: "%") ? Array("%25".utf8) : [$0] }
                + [UInt8(ascii: "\n")]
        }
    }

    /// The multi-line form, whose end nobody can guess who chose the value.
    private func entry(_ name: String, _ value: [UInt8]) -> [UInt8] {
        let end = "wif_agent_\(String(UInt128.random(in: 0...(.max)), radix: 16))"
        return Array("\(name)<<\(end)\n".utf8) + value + Array("\n\(end)\n".utf8)
    }
}
