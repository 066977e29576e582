import Federation
import Serving
import Synchronization
import Text

/// What the emulator was asked and what secrets it gave out, for whoever tests against it.
final class Journal: Sendable {
    /// A request that arrived.
    struct Entry: Sendable {
        let request: HTTPServerRequest
        let peer: String
        /// Since 1970.
        let time: Double
        var role: String?
        var fault: Int?
        /// `nil` while it is being answered.
        var status: Int?
    }

    /// A secret that was handed out.
    struct Issued: Sendable {
        /// `subject-token`, `request-token`, `credential`, `private-key`, …
        let kind: String
        /// The role that gave it.
        let from: String
        let value: String
        let time: Double
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var count = 0
        var issued: [Issued] = []
        var issuedCount = 0
    }

    // The oldest are forgotten: a soak test must not make the emulator grow.
    private static let capacity = 10_000
    private let state = Mutex(State())

    /// Notes a request; answers the number under which ``update(_:_:)`` finds it.
    func record(_ entry: Entry) -> Int {
        state.withLock { state in
            state.count += 1
            state.entries[state.count] = entry
            state.entries[state.count - Journal.capacity] = nil
            return state.count
        }
    }

    func update(_ number: Int, _ change: (inout Entry) -> Void) {
        state.withLock { state in
            guard var entry = state.entries[number] else { return }
            change(&entry)
            state.entries[number] = entry
        }
    }

    func record(issued: Issued) {
        state.withLock { state in
            state.issuedCount += 1
            state.issued.append(issued)
            if state.issued.count >= 2 * Journal.capacity {
                state.issued.removeFirst(Journal.capacity)
            }
        }
    }

    func clear() {
        state.withLock { $0 = State() }
    }

    /// Every request whose path begins so, in the order they came.
    func requests(path: String, withSecrets: Bool) -> JSON {
        let (entries, count) = state.withLock { ($0.entries, $0.count) }
        let chosen = entries.sorted { $0.key < $1.key }
            .filter { $0.value.request.path.hasPrefix(path) }
        return [
            "total": .integer(Int64(count)),
            "count": .integer(Int64(chosen.count)),
            "requests": .array(
                chosen.map { number, entry in entry.json(number, withSecrets: withSecrets) }
            ),
        ]
    }

    /// Every secret, in the order they were given.
    func secrets() -> JSON {
        let (issued, count) = state.withLock { ($0.issued, $0.issuedCount) }
        return ["count": .integer(Int64(count)), "issued": .array(issued.map(\.json))]
    }
}

extension Journal.Entry {
    fileprivate func json(_ number: Int, withSecrets: Bool) -> JSON {
        var value: [String: JSON] = [
            "number": .integer(Int64(number)), "time": .number(time), "peer": .string(peer),
            "method": .string(request.method), "target": .string(request.target),
            "path": .string(request.path),
            "headers": .array(request.headers.map { header($0, withSecrets: withSecrets) }),
            "bodyLength": .integer(Int64(request.body.count)),
            "role": role.map(JSON.string) ?? .null,
            "fault": fault.map { .integer(Int64($0)) } ?? .null,
            "status": status.map { .integer(Int64($0)) } ?? .null,
        ]
        if withSecrets {
            value["body"] = .string(String(decoding: request.body, as: UTF8.self))
        }
        return .object(value)
    }

    private func header(_ field: HTTPField, withSecrets: Bool) -> JSON {
        let isSecret = secretHeaders.contains(field.name) && !withSecrets
        return [.string(field.name), .string(isSecret ? "(redacted)" : field.value)]
    }
}

private let secretHeaders: Set = [
    "authorization", "proxy-authorization", "cookie", "x-identity-header",
    "x-aws-ec2-metadata-token", "x-amz-security-token", "secret",
]

extension Journal.Issued {
    fileprivate var json: JSON {
        [
            "kind": .string(kind), "from": .string(from), "value": .string(value),
            "time": .number(time),
        ]
    }
}
