import Kernel

/// The work took longer than it may.
package struct TimedOut: Error {}

/// Does the work, and cancels it when it has taken too long.
///
/// - Throws: ``TimedOut``, or what the work throws.
package func within<Value: Sendable>(
    _ limit: Duration,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let (whole, attoseconds) = limit.components
    let deadline = BootInstant.now.advanced(bySeconds: Double(whole) + Double(attoseconds) * 1e-18)
    guard let value = try await throwingBefore(deadline, on: SystemTimekeeper(), work) else {
        throw TimedOut()
    }
    return value
}
