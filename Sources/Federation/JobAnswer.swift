package import Kernel
package import Text

/// What came of one job: what was asked for, or why there is none.
///
/// An object, as each task that waits for one has room for several in its frames.
package final class JobAnswer<Value: Sendable>: Sendable {
    package let outcome: Result<Value, Failure>
    package let proof: JobResult.Proof?
    /// Ready to print, for the log.
    package let warnings: [String]
    /// Seconds by which the local wall clock is ahead of the service's, where a reply told.
    package let clockSkew: Double?

    package init(
        _ outcome: Result<Value, Failure>,
        proof: JobResult.Proof? = nil,
        warnings: [String] = [],
        clockSkew: Double? = nil
    ) {
        self.outcome = outcome
        (self.proof, self.warnings, self.clockSkew) = (proof, warnings, clockSkew)
    }

    /// An answer without what was asked for.
    package static func failure(_ failure: Failure) -> JobAnswer { JobAnswer(.failure(failure)) }
}

/// A job to be asked for, and the type of what it gives.
package struct JobRequest<Value: Sendable>: Sendable {
    package let kind: Job.Kind
    /// Is told of each step of a probe when it has ended, in the order of the answer's steps; `nil` where
    /// nobody is.
    package private(set) var tell: (@Sendable (StepReport) -> Void)?
    private let value: @Sendable (JobResult.Outcome) -> Value?

    private init(_ kind: Job.Kind, _ value: @escaping @Sendable (JobResult.Outcome) -> Value?) {
        self.kind = kind
        self.value = value
    }

    /// What a worker's result says to this request: the only place where a worker can have answered
    /// something else than was asked.
    package func answer(_ result: JobResult) -> JobAnswer<Value> {
        let outcome: Result<Value, Failure>
        if case .failure(let failure) = result.outcome {
            outcome = .failure(failure)
        } else if let value = value(result.outcome) {
            outcome = .success(value)
        } else {
            outcome = .failure(.strangeAnswer)
        }
        return JobAnswer(
            outcome,
            proof: result.proof,
            warnings: result.warnings,
            clockSkew: result.clockSkew
        )
    }
}

extension JobRequest where Value == Credential {
    /// A subject token, exchanged for a credential.
    package static var exchange: JobRequest {
        JobRequest(.exchange) {
            if case .credential(let credential) = $0 { credential } else { nil }
        }
    }
}

extension JobRequest where Value == Secret {
    /// The subject token alone; from one provider if it is named, else from the account's source.
    package static func subjectToken(provider: String? = nil) -> JobRequest {
        JobRequest(.subjectToken(provider: provider)) {
            if case .subjectToken(let token) = $0 { token } else { nil }
        }
    }
}

extension JobRequest where Value == JSON {
    /// What the service will learn from that token.
    package static func claims(provider: String? = nil) -> JobRequest<JSON> {
        JobRequest(.claims(provider: provider)) { $0.data }
    }

    /// A call of Mondoo's GraphQL API.
    package static func graphQL(_ call: GraphQLCall) -> JobRequest<JSON> {
        JobRequest(.graphQL(call)) { $0.data }
    }

    /// A change of a cluster's Secret; what the reader should know is in the answer's warnings.
    package static func secret(_ change: SecretChange) -> JobRequest<JSON> {
        JobRequest(.secret(change)) { $0.data }
    }
}

extension JobRequest where Value == [StepReport] {
    /// Runs and reports each step separately; compared with a trust file's text where one is given.
    ///
    /// - Parameter tell: is told of each step when it has ended.
    package static func probe(
        trust: String?,
        telling tell: (@Sendable (StepReport) -> Void)? = nil
    ) -> JobRequest {
        var request = JobRequest(.probe(trust: trust)) {
            if case .steps(let steps) = $0 { steps } else { nil }
        }
        request.tell = tell
        return request
    }
}

extension JobRequest where Value == Void {
    /// The credential's end, before it expires.
    package static func revoke(_ credential: Secret) -> JobRequest {
        JobRequest(.revoke(credential)) { if case .revoked = $0 { () } else { nil } }
    }
}

extension JobResult.Outcome {
    fileprivate var data: JSON? { if case .data(let data) = self { data } else { nil } }
}

extension JobResult {
    /// An answer as a line of this job says it.
    package convenience init<Value>(
        id: Int,
        _ answer: JobAnswer<Value>,
        _ outcome: (Value) -> Outcome
    ) {
        self.init(
            id: id,
            outcome: answer.outcome.map(outcome).value,
            proof: answer.proof,
            warnings: answer.warnings,
            clockSkew: answer.clockSkew
        )
    }
}

extension Result where Success == JobResult.Outcome, Failure == Federation.Failure {
    fileprivate var value: JobResult.Outcome {
        switch self {
        case .success(let outcome): outcome
        case .failure(let failure): .failure(failure)
        }
    }
}

extension Failure {
    /// Another program than ours answers, or one of another version.
    package static let strangeAnswer = Failure(
        .transient,
        at: .worker,
        "the worker's answer is not of the kind that was asked for"
    )
}
