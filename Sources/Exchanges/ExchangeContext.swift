internal import Federation
package import HTTP
package import Platform

/// All that an exchange needs from outside.
package struct ExchangeContext: Sendable {
    let transport: any HTTPTransport
    /// The requester's, as the job carries it; never the process's own.
    let environment: [String: String]
    let timekeeper: any Timekeeper
    let deadline: BootInstant

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
    func variable(_ name: String) -> String? {
        guard let value = environment[name]?.trimmed, !value.isEmpty else { return nil }
        return value
    }
}
