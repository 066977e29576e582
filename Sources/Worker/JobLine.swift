package import Federation
import Kernel
import Text

/// What a line of input asks for: a job, or the result that says why it cannot be one.
package enum JobLine: Sendable {
    case job(Job)
    case invalid(JobResult)

    /// - Parameter line: without its line feed.
    package init(_ line: LineSplitter.Line) {
        switch line {
        case .whole(let bytes): self.init(parsing: bytes)
        case .tooLong(let beginning):
            self = Self.invalid(
                id: Self.id(in: beginning),
                "the job is over \(Worker.lineLimit) bytes"
            )
        }
    }

    private init(parsing bytes: [UInt8]) {
        do throws(JSONError) {
            self = .job(try Job(parsing: bytes))
        } catch {
            self = Self.invalid(id: Self.id(in: bytes), "the job cannot be read: \(error.reason)")
        }
    }

    private static func invalid(id: Int, _ message: String) -> JobLine {
        .invalid(
            JobResult(id: id, outcome: .failure(Failure(.misconfigured, at: .worker, message)))
        )
    }

    /// The first `"id":` with a number, wherever it stands; 0 where there is none.
    private static func id(in bytes: [UInt8]) -> Int {
        let key = Array("\"id\":".utf8)
        for start in bytes.indices where bytes[start...].starts(with: key) {
            let rest = bytes[(start + key.count)...].drop { $0 == 0x20 }
            let digits = rest.prefix(while: \.isDigit)
            return Int(String(decoding: digits, as: UTF8.self)) ?? 0
        }
        return 0
    }
}
