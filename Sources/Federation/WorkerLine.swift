package import Kernel
package import Text

/// A line that a worker writes: a job's result, or what one step of a probe found while the job goes on.
package enum WorkerLine: Sendable {
    case result(JobResult)
    case step(StepReport, job: Int)

    /// How many steps one probe may report: more are no worker's of ours.
    package static let mostSteps = 256

    /// Parses a line; a step is held to the same rules as those of a result.
    ///
    /// - Parameter period: as of ``JobResult``.
    /// - Throws: ``JSONError`` for what is neither, and for a step with members that no step has.
    package init(
        parsing line: some Collection<UInt8>,
        period: (Int) -> ClosedRange<BootInstant>
    ) throws(JSONError) {
        let json = try JSON(parsing: line)
        guard let progress = json["progress"] else {
            self = .result(try JobResult(json: json, period: period))
            return
        }
        guard json.object?.count == 2, case .integer(let id)? = json["id"],
            let number = Int(exactly: id), let step = StepReport(json: progress)
        else { throw JSONError(reason: "progress is not a step of a job") }
        self = .step(step, job: number)
    }

    /// A step as a line, its line feed included.
    package static func line(_ step: StepReport, job: Int) -> [UInt8] {
        let json: JSON = ["id": .integer(Int64(job)), "progress": step.json]
        return json.serialized() + [UInt8(ascii: "\n")]
    }
}
