import Federation
import Serving
import Synchronization
import Text

/// The faults in force, in the order they were given: the first that fits a request happens.
final class FaultList: Sendable {
    private struct Numbered {
        let number: Int
        var fault: Fault
        var hits = 0
    }

    private struct State {
        var faults: [Numbered] = []
        var count = 0
    }

    private let state = Mutex(State())

    init(_ faults: [Fault]) {
        for fault in faults { _ = add(fault) }
    }

    /// Answers the fault's number.
    func add(_ fault: Fault) -> Int {
        state.withLock { state in
            state.count += 1
            state.faults.append(Numbered(number: state.count, fault: fault))
            return state.count
        }
    }

    /// Removes the fault of that number, or all.
    func remove(_ number: Int?) {
        state.withLock { $0.faults.removeAll { number == nil || $0.number == number } }
    }

    /// What happens to the request, counted as having happened.
    func take(for request: HTTPServerRequest, role: String?) -> (number: Int, fault: Fault)? {
        state.withLock { state in
            for index in state.faults.indices {
                let entry = state.faults[index]
                guard entry.fault.times != 0, entry.fault.applies(to: request, role: role) else {
                    continue
                }
                if entry.fault.skip > 0 {
                    state.faults[index].fault.skip -= 1
                    continue
                }
                if let times = entry.fault.times { state.faults[index].fault.times = times - 1 }
                state.faults[index].hits += 1
                return (entry.number, entry.fault)
            }
            return nil
        }
    }

    /// Each fault's number, how often it has happened, and how often it still will.
    var json: JSON {
        .array(
            state.withLock { $0.faults }.map { entry in
                [
                    "id": .integer(Int64(entry.number)), "hits": .integer(Int64(entry.hits)),
                    "left": entry.fault.times.map { .integer(Int64($0)) } ?? .null,
                ]
            }
        )
    }
}
