import Agent
import Federation
import Kernel
import Synchronization
import TestSupport
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct SecretApplierTests {
    /// Answers every job with an outcome, and notes the former identities of the changes.
    private final class Worker: ResultWorker {
        let outcome: JobResult.Outcome
        private let former = Mutex<[[String]]>([])

        init(_ outcome: JobResult.Outcome) { self.outcome = outcome }

        var told: [[String]] { former.withLock(\.self) }

        func result(_ kind: Job.Kind, for account: Account) async -> JobResult {
            if case .secret(let change) = kind {
                former.withLock { $0.append(change.formerIdentities) }
            }
            return JobResult(id: 1, outcome: outcome, warnings: ["a note"])
        }
    }

    private func account(_ audience: String) throws -> Account {
        let document = """
            {"type": "external_account", "audience": "\(audience)",
             "issuerUri": "https://accounts.google.com"}
            """
        return try Account(parsing: Secret(document), path: "/etc/wif-agent/mondoo.json")
    }

    private func change(
        _ action: SecretChange.Action,
        of account: Account,
        key: String = "k"
    ) -> SecretChange {
        SecretChange(
            action,
            KubernetesSecret(namespace: "n", name: "s", key: key),
            of: account,
            issuedAt: WallTime(secondsSinceEpoch: 1),
            expiresAt: WallTime(secondsSinceEpoch: 2)
        )
    }

    @Test func `an account may replace what it wrote under another identity, and there alone`()
        async throws
    {
        let worker = Worker(.data(.object([:])))
        let secrets = SecretApplier(worker)
        let (one, other) = (try account("//a"), try account("//b"))
        let write = SecretChange.Action.write(Secret("x"))
        _ = await secrets.apply(change(.look, of: one), for: one)
        let result = await secrets.apply(change(write, of: one), for: one)
        #expect(try result.get() == ["a note"])
        _ = await secrets.apply(change(write, of: one), for: one)
        _ = await secrets.apply(change(write, of: other), for: other)
        _ = await secrets.apply(change(write, of: other, key: "l"), for: other)
        let identity = one.identity.textWithoutSecrets
        #expect(worker.told == [[], [], [identity], [identity], []])
    }

    @Test func `what was not written gives no right to anything`() async throws {
        let worker = Worker(.failure(Failure(.misconfigured, at: .output, "no")))
        let secrets = SecretApplier(worker)
        let account = try account("//a")
        for _ in 0..<2 {
            _ = await secrets.apply(change(.write(Secret("x")), of: account), for: account)
        }
        #expect(worker.told == [[], []])
    }

    static let failures: [(JobResult.Outcome, String)] = [
        (.failure(Failure(.refused, at: .output, "no")), "secret n/s/k: no"),
        (.failure(Failure(.transient, at: .worker, "it died")), "secret n/s/k: it died"),
        (.revoked, "secret n/s/k: the worker's answer is not of the kind that was asked for"),
    ]

    @Test(arguments: failures)
    func `a failure is the output's, and names the Secret`(
        outcome: JobResult.Outcome,
        message: String
    ) async throws {
        let account = try account("//a")
        let secrets = SecretApplier(Worker(outcome))
        let result = await secrets.apply(change(.remove, of: account), for: account)
        guard case .failure(let failure) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(failure.step == .output)
        #expect(failure.message == message)
    }
}
