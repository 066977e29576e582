import Glibc
import Kernel
import TestSupport
import Testing

@testable import Outputs

@Suite struct SocketStateTests {
    /// A peer that waits; a socket without a peer, which is never ready.
    private func admit(
        _ state: inout SocketState,
        uid: UInt32 = 7,
        unit: String? = nil,
        isStalled: Bool = true,
        deadline: BootInstant? = nil
    ) -> Bool {
        let raw = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        let held = HeldConnection(FileDescriptor(owning: raw), uid: uid, unit: unit)
        let entry = SocketState.Entry(
            connection: held,
            deadline: deadline,
            rest: isStalled ? .init(credential: Secret("x"), start: 0) : nil
        )
        return state.admit(entry) { (_) throws(Errno) in try Poller.shared.watch(held.raw) {} }
    }

    @Test func `a user has room for 64 peers that do not read`() {
        var state = SocketState()
        let admitted = (0..<66).count { _ in admit(&state) }
        #expect(admitted == 64)
        let others = [
            admit(&state, uid: 8), admit(&state, unit: "a.service"),
            admit(&state, isStalled: false),
        ]
        #expect(others == [true, true, true])
        let ids = state.waiting.keys.sorted()
        #expect(ids == (1...67).map { UInt64($0) })
        state.isCrowded = true
        let taken = [state.take(1)?.connection.uid, state.take(1)?.connection.uid]
        #expect(taken == [7, nil])
        let isCrowded = state.isCrowded
        #expect(!isCrowded)
        // That of a unit, and one that waits for a credential, leave no room for those.
        let uncounted = [state.take(66) != nil, state.take(67) != nil]
        #expect(uncounted == [true, true])
        let again = [admit(&state), admit(&state)]
        #expect(again == [true, false])
        let all = state.takeAll { $0.connection.uid == 7 }
        #expect(all.count == 64)
        let anew = (0..<66).count { _ in admit(&state) }
        #expect(anew == 64)
        state.isClosed = true
        let late = admit(&state, uid: 9)
        #expect(!late)
    }

    @Test func `what a user has left leaves room for no more than 64`() {
        var state = SocketState()
        let two = [admit(&state), admit(&state)]
        #expect(two == [true, true])
        let isTaken = state.take(1) != nil
        #expect(isTaken)
        let admitted = (0..<66).count { _ in admit(&state) }
        #expect(admitted == 63)
    }

    @Test func `a peer that cannot be watched is not admitted`() {
        var state = SocketState()
        let raw = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        let held = HeldConnection(FileDescriptor(owning: raw), uid: 7, unit: nil)
        let entry = SocketState.Entry(connection: held, deadline: nil)
        let isAdmitted = state.admit(entry) { (_) throws(Errno) in throw .notFound }
        #expect(!isAdmitted)
        let count = state.waiting.count
        #expect(count == 0)
    }

    @Test func `the next deadline is the earliest`() {
        var state = SocketState()
        let none = state.nextDeadline
        #expect(none == nil)
        for seconds in [30.0, 10, 20] {
            _ = admit(&state, deadline: BootInstant(seconds: seconds))
        }
        _ = admit(&state)
        var next = [state.nextDeadline]
        for pause in [5.0, 15] {
            state.pausedUntil = BootInstant(seconds: pause)
            next.append(state.nextDeadline)
        }
        #expect(next == [10.0, 5, 10].map { BootInstant(seconds: $0) })
        let order = state.takeAll { _ in true }.map(\.deadline)
        #expect(order == [30.0, 10, 20].map { BootInstant(seconds: $0) } + [nil])
    }

    @Test func `a credential is served until it expires, first to each user and unit`() {
        var state = SocketState()
        let end = BootInstant(seconds: 100)
        state.replace(Secret("one"), end)
        let before = state.credential(at: BootInstant(seconds: 99.9))?.text
        let after = state.credential(at: end)?.text
        #expect([before, after] == ["one", nil])
        let first = [
            state.noteDelivery(to: 7, nil), state.noteDelivery(to: 7, nil),
            state.noteDelivery(to: 8, nil), state.noteDelivery(to: 7, "a.service"),
        ]
        #expect(first == [true, false, true, true])
        state.replace(Secret("two"), nil)
        let later = state.credential(at: BootInstant(seconds: 1e9))?.text
        #expect(later == "two")
        let next = state.noteDelivery(to: 7, nil)
        #expect(next)
        #expect(state.counts.delivered == 5)
    }

    @Test func `a user's refusals are reported every ten seconds, with those between`() {
        var state = SocketState()
        var reported: [Int?] = []
        for seconds in [100, 105, 109.9, 110, 115, 120.5] {
            reported.append(state.noteRefusal(of: 7, at: BootInstant(seconds: seconds)))
        }
        #expect(reported == [1, nil, nil, 3, nil, 2])
        #expect(state.counts.refused == 6)
    }

    @Test func `there are sixteen reports in ten seconds`() {
        var state = SocketState()
        func reports(_ users: Range<UInt32>, at seconds: Double) -> [Int?] {
            users.map { state.noteRefusal(of: $0, at: BootInstant(seconds: seconds)) }
        }
        let ones = [Int?](repeating: 1, count: 16)
        #expect(reports(0..<18, at: 100) == ones + [nil, nil])
        #expect(reports(20..<21, at: 109.9) == [nil])
        // The three that nobody told of come with the first of the next ten seconds.
        #expect(reports(30..<31, at: 110) == [4])
        #expect(reports(31..<47, at: 119.9) == ones.dropLast() + [nil])
    }

    @Test func `a thousand users are remembered`() {
        var state = SocketState()
        func refuse(_ user: Int, at seconds: Double) -> Int? {
            state.noteRefusal(of: UInt32(user), at: BootInstant(seconds: seconds))
        }
        for window in 0..<63 {
            for user in 0..<16 { _ = refuse(window * 16 + user, at: Double(window) * 10 + 9) }
        }
        for user in 1008..<1022 { _ = refuse(user, at: 639) }
        for user in 1022..<1024 { _ = refuse(user, at: 639.5) }
        // The next user makes all forgotten: one that was reported ten seconds ago is again.
        let remembered = refuse(1022, at: 649)
        let new = refuse(5000, at: 649)
        let forgotten = refuse(1023, at: 649)
        #expect([remembered, new, forgotten] == [nil, 1, 1])
    }
}
