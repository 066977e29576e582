import Agent
import Federation
import Kernel
import TestSupport
import Testing
import Text

/// Accounts that use another's credential as subject token.
@Suite(.timeLimit(.minutes(1)))
struct `A chain of accounts` {
    private func file(_ name: String, _ members: [String: JSON]) throws -> AccountSet.File {
        let base: [String: JSON] = [
            "type": "external_account", "service": "oauth",
            "tokenUrl": .string("https://sts.test/\(name)"),
        ]
        let account = try Account(
            parsing: Secret(JSON.object(base.merging(members) { $1 }).serialized()),
            path: "/etc/wif-agent/\(name).json"
        )
        return AccountSet.File(path: account.path, content: .success(account))
    }

    private func using(_ name: String) -> [String: JSON] {
        ["credentialSource": ["account": .string(name)]]
    }

    private func messages(_ files: [AccountSet.File]) -> [String?] {
        AccountSet.linked(files).map { file in
            if case .failure(let problem) = file.content { problem.failure.message } else { nil }
        }
    }

    @Test func `takes part in the identity, however long it is`() throws {
        func last(_ audience: String) throws -> AccountIdentity? {
            let files = AccountSet.linked([
                try file("c", using("b")), try file("b", using("a")),
                try file("a", ["audience": .string(audience)]),
            ])
            guard case .success(let account)? = files.first?.content else { return nil }
            return account.identity
        }
        #expect(try last("x") == last("x"))
        #expect(try last("x") != last("y"))
        #expect(try last("x") != nil)
    }

    @Test func `leads nowhere or back to itself: an error of the set`() throws {
        let place = "account file /etc/wif-agent/"
        let key = "credentialSource.account:"
        #expect(
            messages([
                try file("a", using("b")), try file("b", using("c")), try file("c", using("b")),
                try file("d", [:]), try file("e", using("none")), try file("f", using("m")),
                try file(
                    "m",
                    [
                        "service": "mondoo", "audience": "//x", "issuerUri": "https://i",
                        "tokenUrl": .null,
                    ]
                ),
            ]) == [
                "\(place)a.json: \(key) leads in a circle: a, b, c, b",
                "\(place)b.json: \(key) leads in a circle: b, c, b",
                "\(place)c.json: \(key) leads in a circle: c, b, c", nil,
                "\(place)e.json: \(key) there is no usable account \"none\" beside this one",
                "\(place)f.json: \(key) the credential of m is one of Mondoo's, and no token", nil,
            ]
        )
        do {
            _ = try file("a", using("a"))
            Issue.record("accepted")
        } catch let error as AccountError {
            #expect(error.message.contains("credentialSource: account: is this account itself"))
        }
    }

    @Test func `a job has the other's credential, and no job without it begins`() async throws {
        guard case .success(let user) = try file("b", using("a")).content else { return }
        let jobs = Box()
        let inner = ClosureWorker { kind, account in
            jobs.add(account.handedOver[.subject]?.text ?? "none")
            if case .revoke = kind { return JobResult(id: 1, outcome: .revoked) }
            return JobResult(id: 1, outcome: .credential(.named("of \(account.name)")))
        }
        let failure = Failure(.transient, at: .subjectToken, "none")
        for answer in [Result<Secret, Failure>.success(Secret("credential")), .failure(failure)] {
            let worker = ChainedWorker(inner) { name, _, _ in
                name == "a" ? answer : .failure(failure)
            }
            let result = await worker.run(.exchange, for: user)
            if case .failure(let told) = result.outcome { #expect(told == failure) }
            // What needs no token needs no other account.
            _ = await worker.run(.revoke(Secret("x")), for: user)
        }
        #expect(jobs.all == ["credential", "none", "none"])
    }
}

/// The actor token may be another account's credential as the subject token may.
@Suite struct `An actor of another account` {
    private func file(_ name: String, _ members: [String: JSON]) throws -> AccountSet.File {
        let base: [String: JSON] = [
            "type": "external_account", "service": "oauth", "tokenUrl": "https://sts.test/token",
            "audience": "a", "credentialSource": ["environment": "T"],
        ]
        let document = JSON.object(base.merging(members) { $1 }).serialized()
        let path = "/etc/wif-agent/\(name).json"
        return AccountSet.File(
            path: path,
            content: .success(try Account(parsing: Secret(document), path: path))
        )
    }

    private func actor(_ name: String) -> [String: JSON] {
        ["actorToken": ["account": .string(name)]]
    }

    private func problems(_ files: [AccountSet.File]) -> [String?] {
        AccountSet.linked(files).map { file in
            if case .failure(let problem) = file.content { problem.failure.message } else { nil }
        }
    }

    @Test func `a circle through either token is refused`() throws {
        let place = "account file /etc/wif-agent/"
        #expect(
            problems([
                try file("a", actor("b")),
                try file("b", ["credentialSource": ["account": "a"]]), try file("c", [:]),
                try file("d", actor("none")),
            ]) == [
                "\(place)a.json: actorToken.account: leads in a circle: a, b, a",
                "\(place)b.json: credentialSource.account: leads in a circle: b, a, b", nil,
                "\(place)d.json: actorToken.account: there is no usable account \"none\" beside this"
                    + " one",
            ]
        )
    }

    @Test func `one account may be both, and is no circle`() throws {
        let both = actor("a").merging(["credentialSource": ["account": "a"]]) { $1 }
        #expect(problems([try file("a", [:]), try file("b", both)]) == [nil, nil])
    }

    @Test func `a chain has at most eight accounts before the last`() throws {
        func files(_ count: Int) throws -> [AccountSet.File] {
            try [file("a0", [:])]
                + (1...count).map { index in
                    try file(
                        "a\(index)",
                        ["credentialSource": ["account": .string("a\(index - 1)")]]
                    )
                }
        }
        #expect(try problems(files(8)).compactMap(\.self) == [])
        let last = try problems(files(9)).last ?? nil
        let problem = try #require(last)
        #expect(problem.hasSuffix("leads through more than 8 accounts"))
    }

    @Test func `its identity is a part of the user's`() throws {
        func user(_ audience: JSON) throws -> Account? {
            let files = [try file("a", ["audience": audience]), try file("b", actor("a"))]
            return try? AccountSet.linked(files)[1].content.get()
        }
        let (one, other, same) = (try user("x"), try user("y"), try user("x"))
        #expect(one?.chainedIdentities.keys.map(\.rawValue) == ["actorToken"])
        #expect(one?.identity == same?.identity)
        #expect(one?.identity != other?.identity)
    }

    @Test func `each credential goes into its place`() async throws {
        let members = actor("b").merging(["credentialSource": ["account": "a"]]) { $1 }
        guard case .success(let user) = try file("c", members).content else { return }
        let jobs = Box()
        let inner = ClosureWorker { _, account in
            for role in TokenRole.allCases { jobs.add(account.handedOver[role]?.text ?? "none") }
            return JobResult(id: 1, outcome: .revoked)
        }
        let worker = ChainedWorker(inner) { name, role, _ in
            .success(Secret("\(name) as \(role.rawValue)"))
        }
        _ = await worker.run(.exchange, for: user)
        #expect(jobs.all == ["a as subjectToken", "b as actorToken"])
        _ = await worker.run(.subjectToken(), for: user)
        #expect(jobs.all.suffix(2) == ["a as subjectToken", "none"])
    }
}

private struct ClosureWorker: ResultWorker {
    let body: @Sendable (Job.Kind, Account) -> JobResult

    func result(_ kind: Job.Kind, for account: Account) async -> JobResult {
        body(kind, account)
    }
}
