internal import Kernel

/// The work took longer than it may.
package struct TimedOut: Error {}

/// Does the work, and cancels it when it has taken too long.
///
/// - Throws: ``TimedOut``, or what the work throws.
package func within<Value: Sendable>(
    _ limit: Duration,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await work() }
        group.addTask {
            let (whole, attoseconds) = limit.components
            let seconds = Double(whole) + Double(attoseconds) * 1e-18
            try await SystemTimekeeper().sleep(until: .now.advanced(bySeconds: seconds))
            throw TimedOut()
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw TimedOut() }
        return value
    }
}
