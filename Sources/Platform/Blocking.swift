import Dispatch

/// Does work that blocks (files, name lookups) on a thread outside the cooperative pool. The threads
/// are dispatch's: made when needed, gone when idle.
///
/// - Throws: what `work` throws. Not cancellable: a system call in progress ends when it ends.
package func offPool<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
        // A serial queue of its own: it always gets a thread, whereas concurrent ones share as many as
        // there are processors, and blocked work would hold up the rest.
        DispatchQueue(label: "blocking").async {
            continuation.resume(returning: Result(catching: work))
        }
    }
    return try result.get()
}
