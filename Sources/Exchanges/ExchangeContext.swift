internal import Federation
package import HTTP
package import Kernel
internal import Text

/// All that an exchange needs from outside.
package struct ExchangeContext: Sendable {
    /// Sends its requests.
    package let transport: any HTTPTransport
    /// The requester's, as the job carries it; never the process's own.
    package let environment: [String: String]
    /// Time as its deadlines and dates see it.
    package let timekeeper: any Timekeeper
    /// When it must have ended.
    package let deadline: BootInstant

    /// The deadline is the job's; no exchange outlives it.
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
    package func variable(_ name: String) -> String? {
        guard let value = environment[name]?.trimmed, !value.isEmpty else { return nil }
        return value
    }
}
