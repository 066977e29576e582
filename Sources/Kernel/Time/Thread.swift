import CLinux
import Glibc

/// Runs the body on a new thread of that name (at most 15 bytes), detached. For work that blocks in the
/// kernel for long, which the threads of the cooperative pool must not. `pthread_create(3)`
///
/// - Throws: ``Errno`` where the system has no thread left.
package func startThread(
    named name: String,
    _ body: @escaping @Sendable () -> Void
) throws(Errno) {
    let context = unsafe Unmanaged.passRetained(ThreadBody(name, body))
    var thread = pthread_t()
    let result = unsafe pthread_create(&thread, nil, threadMain, context.toOpaque())
    guard result == 0 else {
        unsafe context.release()
        throw Errno(result)
    }
    pthread_detach(thread)
}

private final class ThreadBody: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(_ name: String, _ run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}

private func threadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let context = unsafe context {
        let body = unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue()
        _ = unsafe wif_set_name(body.name)
        body.run()
    }
    return nil
}
