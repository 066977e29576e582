import CLinux
import Glibc
import Synchronization

/// A descriptor that is written to by a thread of its own, so that whoever writes never waits: a
/// reader that stops reading, as a log collector that hangs, stops nobody else.
///
/// A regular file has no reader to wait for: it is written to at once.
///
/// What waits is bounded. Beyond that it is dropped, counted, and told of in the place where it would
/// have stood, as soon as there is room again.
package final class ErrorStream: Sendable {
    private struct State {
        var waiting: [[UInt8]] = []
        /// Bytes of those.
        var size = 0
        var dropped = 0
        var hasThread = false
        /// The thread has taken something that it has not written yet.
        var isBusy = false
        var notice: @Sendable (Int) -> String = {
            "\($0) messages were dropped: nobody read standard error\n"
        }

        var isDone: Bool { waiting.isEmpty && !isBusy && dropped == 0 }
    }

    /// The process's standard error.
    package static let standard = ErrorStream(2)

    /// Bytes that wait at most: some thousand lines.
    package static let capacity = 256 * 1024
    /// Seconds that a program's end waits for a reader.
    static let patience = 2.0

    private let descriptor: Int32
    private let isFile: Bool
    private let state = Mutex(State())
    private let work = OneThreadSemaphore()
    private let progress = OneThreadSemaphore()

    /// - Parameter descriptor: borrowed, for ever; a blocking one.
    package init(_ descriptor: Int32) {
        self.descriptor = descriptor
        isFile = isRegularFile(descriptor)
    }

    /// How a number of dropped messages is told; a whole line.
    package func setNotice(_ notice: @escaping @Sendable (Int) -> String) {
        state.withLock { $0.notice = notice }
    }

    /// Has the bytes written after those before them, whole where they fit a pipe's atomic size. A
    /// reader that is gone loses them: there is nobody left to tell.
    package func write(_ bytes: [UInt8]) {
        if isFile { return writeAll(bytes) }
        let (isFirst, isAccepted) = state.withLock { state in
            guard Self.accept(bytes, &state) else { return (false, false) }
            defer { state.hasThread = true }
            return (!state.hasThread, true)
        }
        if isFirst { start() }
        if isAccepted { work.signal() }
    }

    /// Waits until everything is written, so many seconds at most. One caller at a time.
    package func flush(seconds: Double) {
        let end = BootInstant.now.advanced(bySeconds: seconds)
        while !state.withLock(\.isDone) {
            let rest = end.seconds(since: .now)
            guard rest > 0 else { return }
            progress.wait(seconds: rest)
        }
    }

    private static func accept(_ bytes: [UInt8], _ state: inout State) -> Bool {
        let notice = state.dropped > 0 ? Array(state.notice(state.dropped).utf8) : []
        let more = notice.isEmpty ? [bytes] : [notice, bytes]
        let size = more.reduce(state.size) { $0 + cost(of: $1) }
        // Once something was dropped half of it must be empty, or each free place had its own notice.
        guard size <= (state.dropped > 0 ? capacity / 2 : capacity) else {
            state.dropped += 1
            return false
        }
        state.dropped = 0
        state.waiting += more
        state.size = size
        return true
    }

    /// Its bytes, and what an array of them takes beside.
    private static func cost(of message: [UInt8]) -> Int { message.count + 64 }

    private func start() {
        do throws(Errno) {
            try startThread(named: "log") { [self] in
                while true {
                    work.wait()
                    writeWaiting()
                }
            }
        } catch {
            // No thread is left: what can be written at once is, and the next write tries again.
            state.withLock { $0.hasThread = false }
            writeWaiting { wif_poll_writable(descriptor, 0) > 0 }
        }
    }

    private func writeWaiting(while isPossible: () -> Bool = { true }) {
        while isPossible(), let message = take() {
            writeAll(message)
            state.withLock { $0.isBusy = false }
            progress.signal()
        }
    }

    /// The next message, at last the number of those that were dropped; `nil` where there is neither.
    private func take() -> [UInt8]? {
        state.withLock { state in
            guard !state.waiting.isEmpty || state.dropped > 0 else { return nil }
            state.isBusy = true
            if state.waiting.isEmpty {
                defer { state.dropped = 0 }
                return Array(state.notice(state.dropped).utf8)
            }
            let first = state.waiting.removeFirst()
            state.size -= Self.cost(of: first)
            return first
        }
    }

    private func writeAll(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 {
                switch errno {
                case EINTR: continue
                // Somebody who shares it has made it non-blocking.
                case EAGAIN: _ = wif_poll_writable(descriptor, -1)
                default: return
                }
            }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
