/// Does work that blocks (files, name lookups) on a thread of its own, so that nothing else waits.
///
/// - Throws: what `work` throws. Not cancellable: a system call in progress ends when it ends.
package func offPool<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
        let run: @Sendable () -> Void = { continuation.resume(returning: Result(catching: work)) }
        do throws(Errno) {
            try startThread(named: "blocking", run)
        } catch {
            // No thread is left: better late than not at all.
            run()
        }
    }
    return try result.get()
}
