package import Kernel
import Text

/// What a job's requests need from outside.
package struct RequestContext: Sendable {
    /// Sends the requests.
    package let transport: any HTTPTransport
    /// The requester's, as the job carries it; never the process's own.
    package let environment: [String: String]
    /// Time as its deadlines and dates see it.
    package let timekeeper: any Timekeeper
    /// When the last request must have ended.
    package let deadline: BootInstant

    /// The deadline is the job's; no request outlives it.
    package init(
        transport: any HTTPTransport,
        environment: [String: String],
        timekeeper: any Timekeeper,
        deadline: BootInstant
    ) {
        self.transport = transport
        self.environment = environment
        self.timekeeper = timekeeper
        self.deadline = deadline
    }

    /// The variable's value; `nil` where it is unset or blank.
    package func variable(_ name: String) -> String? { environment.variable(name) }

    /// The authorities that the requester's environment trusts, else the system's.
    package var trust: HTTPRequest.Trust {
        .system(file: variable("SSL_CERT_FILE"), directory: variable("SSL_CERT_DIR"))
    }
}
