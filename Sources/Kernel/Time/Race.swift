/// Runs works beside each other until the first of them has ended, cancels the others and waits for their
/// end.
///
/// - Parameters:
///   - work: its end always ends the race.
///   - rivals: each may end the race, too; one that gives `nil` leaves it.
/// - Returns: what the first to end has given. Cancellation cancels all of them; what that makes of them
///   counts as usual.
package func race<Value: Sendable>(
    _ work: @escaping @Sendable () async -> Value,
    against rivals: (@Sendable () async -> Value?)...
) async -> Value {
    await first(of: [{ await work() }] + rivals)
}

/// The same of works that may fail: the race ends with the first failure, too.
///
/// - Throws: what the first to end has thrown.
package func throwingRace<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value,
    against rivals: (@Sendable () async throws -> Value?)...
) async throws -> Value {
    let works: [@Sendable () async throws -> Value?] = [{ try await work() }] + rivals
    return try await first(
        of: works.map { work -> @Sendable () async -> Result<Value, any Error>? in
            {
                do {
                    guard let value = try await work() else { return nil }
                    return .success(value)
                } catch {
                    return .failure(error)
                }
            }
        }
    ).get()
}

/// Does the work, and gives it up at the deadline: it is cancelled, and its end awaited.
///
/// - Returns: `nil` where the deadline came first. A cancellation is the work's to answer.
package func before<Value: Sendable>(
    _ deadline: BootInstant,
    on timekeeper: any Timekeeper,
    _ work: @escaping @Sendable () async -> Value
) async -> Value? {
    await race(
        { End.value(await work()) },
        against: { await timekeeper.reaches(deadline) ? .late : nil }
    ).value
}

/// The same of work that may fail.
///
/// - Throws: what the work throws, in time or where it is cancelled from outside.
package func throwingBefore<Value: Sendable>(
    _ deadline: BootInstant,
    on timekeeper: any Timekeeper,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
    try await throwingRace(
        { End.value(try await work()) },
        against: { await timekeeper.reaches(deadline) ? .late : nil }
    ).value
}

/// What the first work gives that gives anything; one of them does.
private func first<Value: Sendable>(
    of works: [@Sendable () async -> Value?]
) async -> Value {
    await withTaskGroup(of: Value?.self) { group in
        for work in works { group.addTask { await work() } }
        defer { group.cancelAll() }
        while true {
            if case .some(.some(let value)) = await group.next() { return value }
        }
    }
}

private enum End<Value: Sendable>: Sendable {
    case value(Value)
    case late

    var value: Value? {
        if case .value(let value) = self { value } else { nil }
    }
}

extension Timekeeper {
    /// Sleeps until the instant; whether that was reached, and the task not cancelled before. Where there
    /// is nothing to keep time with it counts as reached: no work goes on for ever.
    package func reaches(_ instant: BootInstant) async -> Bool {
        do {
            try await sleep(until: instant)
            return true
        } catch {
            return !Task.isCancelled
        }
    }
}
