import Federation
import Kernel
import Outputs
import TestSupport
import Text
import Worker

extension Target {
    /// What the two processes say to each other.
    static let lines = [Target("job", jobs), Target("result", results)]

    /// The worker's input in pieces of a length that the first byte says.
    private static func jobs(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let size = max(1, Int(first))
        let input = Array(bytes.dropFirst())
        var splitter = LineSplitter(limit: 2048)
        var inPieces: [LineSplitter.Line] = []
        for start in stride(from: 0, to: input.count, by: size) {
            inPieces += splitter.take(Array(input[start..<min(start + size, input.count)]))
        }
        var other = LineSplitter(limit: 2048)
        require(inPieces == other.take(input), "lines depend on how they come")
        require(splitter.finish() == other.finish(), "the last line depends on how it comes")
        for case .job(let job) in Worker.jobs(in: input) {
            let again = answer { try Job(parsing: job.line().dropLast()) }
            require(again?.line() == job.line(), "a job that was written is another one")
            let account = answer {
                try Account(parsing: job.document, path: job.path, environment: job.environment)
            }
            guard let account else { continue }
            _ = job.kind.runsPrograms(for: account, in: job.environment)
        }
    }

    /// A worker's answer, and all that the agent does with it but delivering it.
    private static func results(_ bytes: [UInt8]) {
        guard let result = answer({ try JobResult(parsing: bytes, period: anyTime) }) else {
            return
        }
        let again = answer { try JobResult(parsing: result.line().dropLast(), period: anyTime) }
        require(again?.line() == result.line(), "a result that was written is another one")
        switch result.outcome {
        case .credential(let credential):
            show(credential)
            guard let account else { return }
            for format in Format.allCases {
                _ = answer {
                    try format.render(credential, for: account, variable: "NAME")
                }
            }
        case .failure(let failure): pace(of: failure)
        case .steps(let steps): for step in steps { _ = step.json.serialized() }
        case .subjectToken, .revoked, .data: break
        }
    }

    private static func pace(of failure: Failure) {
        let delay = RefreshSchedule.retryDelay(
            after: failure,
            attempt: 3,
            validity: nil,
            chance: 0.5
        )
        require((1...3600).contains(delay), "a retry is due in \(delay) s")
        _ = failure.json.serialized()
    }

    private static let account = answer {
        try Account(parsing: Secret(mondoo), path: "/etc/wif-agent/test.json")
    }
}
