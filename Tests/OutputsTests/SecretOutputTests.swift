import Federation
import Kernel
import Outputs
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
final class SecretOutputTests {
    /// What is asked of the cluster, and its answer to it.
    private final class Cluster: Sendable {
        private let state = Mutex<(asked: [String], answer: Result<[String], Failure>)>(
            ([], .success([]))
        )

        var asked: [String] {
            state.withLock { state in
                defer { state.asked = [] }
                return state.asked
            }
        }

        func answer(_ answer: Result<[String], Failure>) { state.withLock { $0.answer = answer } }

        func apply(_ change: SecretChange, _ account: Account) -> Result<[String], Failure> {
            let what =
                switch change.action {
                case .write(let bytes): "write \(bytes.text)"
                case .remove: "remove"
                case .look: "look"
                }
            let seconds = Int(change.issuedAt.secondsSinceEpoch)
            return state.withLock { state in
                state.asked.append("\(change.secret.place) \(what) \(seconds)")
                return state.answer
            }
        }
    }

    private let cluster = Cluster()
    private let place = ScratchDirectory()

    private func set(expiry: String = "keep") throws -> OutputSet {
        let outputs = """
            [{"format": "kubernetes-secret", "namespace": "n", "name": "s", "key": "k",
              "content": "json", "onExpiry": "\(expiry)"},
             {"format": "json", "path": "\(place("file"))"}]
            """
        return try OutputSet(
            account: account(outputs: outputs),
            runtimeDirectory: "/unused",
            applySecret: { [cluster] change, account in cluster.apply(change, account) }
        )
    }

    private static let written = "n/s/k write \(mondooDocument) 1704164645"
    private static let removed = "n/s/k remove 1704164645"

    @Test func `it is delivered with the others, and once`() async throws {
        let set = try set()
        let credential = mondooCredential()
        cluster.answer(.success(["a note"]))
        let reports = await set.deliver(credential)
        #expect(reports.map(\.output.path) == ["n/s/k", place("file")])
        #expect(reports.map(\.output.word) == ["kubernetes-secret", "json"])
        #expect(reports.allSatisfy { $0.failure == nil })
        #expect(reports[0].warnings == ["a note"])
        #expect(cluster.asked == [Self.written])
        // The cluster is not asked what it holds.
        #expect(await !set.look())
        #expect(cluster.asked == [])
        // What holds this very credential is left alone.
        _ = await set.deliver(credential)
        #expect(cluster.asked.isEmpty)
    }

    @Test func `a failure is its own, and the next delivery tries it again`() async throws {
        let set = try set()
        let credential = mondooCredential()
        let failure = Failure(.misconfigured, at: .output, "no", hint: "role")
        cluster.answer(.failure(failure))
        let broken = await set.deliver(credential)
        #expect(broken.map(\.failure) == [failure, nil])
        #expect(try FileFacts(at: place("file")).kind == .regular)
        cluster.answer(.success([]))
        let healed = await set.deliver(credential)
        #expect(healed.allSatisfy { $0.failure == nil })
        #expect(cluster.asked == [Self.written, Self.written])
    }

    @Test(arguments: ["keep", "remove"])
    func `at expiry it does as it is told`(expiry: String) async throws {
        let set = try set(expiry: expiry)
        _ = await set.expire()
        #expect(cluster.asked.isEmpty)
        _ = await set.deliver(mondooCredential())
        _ = cluster.asked
        let reports = await set.expire()
        #expect(reports.map(\.output.path) == (expiry == "remove" ? ["n/s/k"] : []))
        #expect(cluster.asked == (expiry == "remove" ? [Self.removed] : []))
    }

    @Test func `a credential that is to be revoked is taken away, and a failure is told`()
        async throws
    {
        let set = try set()
        _ = await set.deliver(mondooCredential())
        _ = cluster.asked
        let failure = Failure(.transient, at: .output, "down")
        cluster.answer(.failure(failure))
        #expect(await set.withdraw().map(\.failure) == [failure, nil])
        cluster.answer(.success([]))
        #expect(await set.close(removing: true).map(\.failure) == [nil, nil])
        #expect(cluster.asked == [Self.removed, Self.removed])
    }

    @Test func `one that another version does not have is taken away`() async throws {
        let set = try set()
        _ = await set.deliver(mondooCredential())
        _ = cluster.asked
        let other = try account(outputs: #"[{"format": "json", "path": "\#(place("file"))"}]"#)
        #expect(await set.remove(besides: other).map(\.output.path) == ["n/s/k"])
        #expect(cluster.asked == [Self.removed])
    }

    @Test func `the end alone takes nothing away`() async throws {
        let set = try set()
        _ = await set.deliver(mondooCredential())
        _ = cluster.asked
        await set.close(removing: false)
        #expect(cluster.asked.isEmpty)
    }
}
