import Synchronization

/// Who waits for an answer, by the number of the request.
final class RequestTable<Answer: Sendable>: Sendable {
    private struct State {
        var next = 0
        var isClosed = false
        var waiting: [Int: CheckedContinuation<Answer?, Never>] = [:]
    }

    private let state = Mutex(State())

    /// Makes a request and waits for its answer; `nil` if there never will be one.
    func answer(to request: (Int) -> Void) async -> Answer? {
        await withCheckedContinuation { continuation in
            let id = state.withLock { state -> Int? in
                guard !state.isClosed else { return nil }
                state.next += 1
                state.waiting[state.next] = continuation
                return state.next
            }
            if let id { request(id) } else { continuation.resume(returning: nil) }
        }
    }

    func resolve(_ id: Int, _ answer: Answer) {
        state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: answer)
    }

    /// No answers will come any more.
    func close() {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in left.values { continuation.resume(returning: nil) }
    }
}
