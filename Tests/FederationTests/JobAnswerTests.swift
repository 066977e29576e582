import Federation
import Kernel
import Testing
import Text

/// A worker may be another program, or one of another version.
@Suite struct `A job's answer has the type of what was asked for` {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let outcome: JobResult.Outcome
        /// The requests to which it is an answer.
        let suits: Set<String>

        init(_ testDescription: String, _ outcome: JobResult.Outcome, suits: Set<String>) {
            (self.testDescription, self.outcome, self.suits) = (testDescription, outcome, suits)
        }
    }

    static let rows = [
        Row("credential", .credential(credential), suits: ["exchange"]),
        Row("token", .subjectToken(Secret("t")), suits: ["subject-token"]),
        Row("revoked", .revoked, suits: ["revoke"]),
        Row("steps", .steps([]), suits: ["probe"]),
        Row("data", .data(.object([:])), suits: ["claims", "graphql"]),
    ]

    private static var credential: Credential {
        Credential(
            kind: .mondoo,
            value: Secret("x"),
            issuedAt: WallTime(secondsSinceEpoch: 0),
            lifetime: 60,
            receivedAt: BootInstant(seconds: 0)
        )
    }

    @Test(arguments: rows)
    func `and anything else is a passing failure of the worker`(row: Row) throws {
        let call = GraphQLCall(
            endpoint: try Endpoint("https://api.example.com"),
            document: "{x}",
            variables: .null,
            caller: .token(Secret("t"))
        )
        let result = JobResult(id: 1, outcome: row.outcome, warnings: ["w"], clockSkew: 2)
        var suits: Set<String> = []
        func ask<Value>(_ name: String, _ request: JobRequest<Value>) {
            let answer = request.answer(result)
            #expect(answer.warnings == ["w"])
            #expect(answer.clockSkew == 2)
            switch answer.outcome {
            case .success: suits.insert(name)
            case .failure(let failure):
                #expect(failure.class == .transient)
                #expect(failure.step == .worker)
                #expect(
                    failure.message == "the worker's answer is not of the kind that was asked for"
                )
            }
        }
        ask("exchange", .exchange)
        ask("subject-token", .subjectToken())
        ask("claims", .claims())
        ask("revoke", .revoke(Secret("c")))
        ask("probe", .probe(trust: nil))
        ask("graphql", .graphQL(call))
        #expect(suits == row.suits)
    }

    @Test func `a failure stays what it is`() {
        let failure = Failure(.refused, at: .exchange, "no")
        let answer = JobRequest.exchange.answer(JobResult(id: 1, outcome: .failure(failure)))
        #expect(throws: failure) { try answer.outcome.get() }
    }

    @Test func `goes out on a line as it came`() throws {
        let answer = JobAnswer<Credential>(.success(Self.credential), warnings: ["w"], clockSkew: 3)
        let line = JobResult(id: 9, answer) { .credential($0) }.line()
        let result = try JobResult(parsing: line) { _ in
            BootInstant(seconds: 0)...BootInstant(seconds: 1)
        }
        #expect(result.id == 9)
        let again = JobRequest.exchange.answer(result)
        #expect(try again.outcome.get().value.text == "x")
        #expect(again.warnings == ["w"])
        #expect(again.clockSkew == 3)
    }
}
