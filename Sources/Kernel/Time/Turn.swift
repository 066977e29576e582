import Synchronization

/// What keeps a task that always finds something to do from having the thread for itself: all of a
/// program's tasks share one, and a flood of input never makes a reader wait.
enum Turn {
    /// What a task may do in a row: system calls, or lines taken out of what was read.
    private static let most = 32
    private static let done = Atomic(0)

    /// Counts one step that needed no waiting; every so many of them the other tasks go first.
    static func take() async {
        let count = done.wrappingAdd(1, ordering: .relaxed).newValue
        if count % most == 0 { await MainLoop.yield() }
    }
}
