package import Kernel
package import Text

/// What a worker answers for a job: one JSON object on a line of its standard output.
///
/// An object, as ``JobAnswer`` is.
package final class JobResult: Sendable {
    /// What came of the job.
    package enum Outcome: Sendable {
        case credential(Credential)
        /// The subject token itself, for `wif-agent token`.
        case subjectToken(Secret)
        /// The credential is worth nothing any more.
        case revoked
        /// What each step of a probe found.
        case steps([StepReport])
        /// What a GraphQL call gave, or a token's claims.
        case data(JSON)
        case failure(Failure)
    }

    /// What the agent may know and show of the subject token that was used.
    package struct Proof: Equatable, Sendable {
        package var source: String
        package var issuer: String?
        package var subject: String?
        /// Seconds since 1970.
        package var expiresAt: Double?
        package var isRenewable: Bool

        package init(_ token: SubjectToken) {
            source = token.source
            issuer = token.claims?.issuer
            subject = token.claims?.subject
            expiresAt = token.claims?.expiresAt
            isRenewable = token.isRenewable
        }
    }

    package let id: Int
    package let outcome: Outcome
    package let proof: Proof?
    /// Ready to print, for the log.
    package let warnings: [String]
    /// Seconds by which the local wall clock is ahead of the service's, where a reply told.
    package let clockSkew: Double?

    package init(
        id: Int,
        outcome: Outcome,
        proof: Proof? = nil,
        warnings: [String] = [],
        clockSkew: Double? = nil
    ) {
        self.id = id
        self.outcome = outcome
        self.proof = proof
        self.warnings = warnings
        self.clockSkew = clockSkew
    }

    /// The result as a line, its line feed included; it may hold secrets.
    package func line() -> [UInt8] {
        var members: [String: JSON] = ["id": .integer(Int64(id))]
        switch outcome {
        case .credential(let credential): members["credential"] = credential.json
        case .subjectToken(let token): members["subjectToken"] = .string(token.text)
        case .revoked: members["revoked"] = true
        case .steps(let steps): members["steps"] = .array(steps.map(\.json))
        case .data(let data): members["data"] = data
        case .failure(let failure): members["failure"] = failure.json
        }
        if let proof { members["proof"] = proof.json }
        if !warnings.isEmpty { members["warnings"] = .array(warnings.map(JSON.string)) }
        if let clockSkew { members["clockSkew"] = .number(clockSkew) }
        return JSON.object(members).serialized() + [UInt8(ascii: "\n")]
    }

    /// Parses a line. A worker may have been taken over: whatever it says is held to what a worker can
    /// have found between the job's start and now, and to lengths that fill neither log nor memory.
    ///
    /// - Parameter period: from when until when the job of that id ran, on this process's clock.
    /// - Throws: ``JSONError`` for what is no result.
    package convenience init(
        parsing line: some Collection<UInt8>,
        period: (Int) -> ClosedRange<BootInstant>
    ) throws(JSONError) {
        try self.init(json: try JSON(parsing: line), period: period)
    }

    convenience init(json: JSON, period: (Int) -> ClosedRange<BootInstant>) throws(JSONError) {
        guard case .integer(let id)? = json["id"], let number = Int(exactly: id) else {
            throw JSONError(reason: "id is missing")
        }
        self.init(
            id: number,
            outcome: try Self.outcome(of: json, period(number)),
            proof: json["proof"].flatMap(Proof.init(json:)),
            warnings: (json["warnings"]?.array ?? []).prefix(Self.mostWarnings)
                .compactMap(\.string?.bounded),
            clockSkew: json["clockSkew"]?.time
        )
    }

    private static let mostWarnings = 16
    /// Bytes of a subject token, which may be a document.
    private static let longestSubjectToken = 1 << 20

    private static func outcome(
        of json: JSON,
        _ period: ClosedRange<BootInstant>
    ) throws(JSONError) -> Outcome {
        if let credential = json["credential"].flatMap(Credential.init(json:)) {
            return .credential(credential.received(within: period))
        }
        if let token = json["subjectToken"]?.string, token.utf8.count <= longestSubjectToken {
            return .subjectToken(Secret(token))
        }
        if json["revoked"]?.bool == true { return .revoked }
        if let steps = json["steps"]?.array {
            return .steps(steps.prefix(WorkerLine.mostSteps).compactMap(StepReport.init(json:)))
        }
        if let data = json["data"], data.object != nil { return .data(data) }
        if let failure = json["failure"].flatMap(Failure.init(json:)) { return .failure(failure) }
        throw JSONError(reason: "no outcome")
    }
}

extension JobResult.Proof {
    package var json: JSON {
        var members: [String: JSON] = [
            "source": .string(source), "isRenewable": .bool(isRenewable),
        ]
        members["issuer"] = issuer.map(JSON.string)
        members["subject"] = subject.map(JSON.string)
        members["expiresAt"] = expiresAt.map(JSON.number)
        return .object(members)
    }

    init?(json: JSON) {
        guard let source = json["source"]?.string else { return nil }
        self.source = source.bounded
        issuer = json["issuer"]?.string?.bounded
        subject = json["subject"]?.string?.bounded
        expiresAt = json["expiresAt"]?.time
        isRenewable = json["isRenewable"]?.bool ?? true
    }
}
