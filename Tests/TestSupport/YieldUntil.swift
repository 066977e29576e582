/// Lets the other tasks run until the condition holds, or the test's time limit has cancelled it: what it
/// expects next fails then.
package func yieldUntil(_ condition: () -> Bool) async {
    while !condition(), !Task.isCancelled { await Task.yield() }
}
