import Federation
import FoundationEssentials
import Kernel
import Testing
import Text

@testable import Policy

/// A point of a vendor's page: a sample as it stands there, or a row of one of its tables, and what the
/// page says that the service does with it.
struct PageRow: Sendable, CustomTestStringConvertible {
    /// What is asked of the sample.
    enum Question: Sendable {
        /// A claim mapping held against claims.
        case mapping(JSON)
        /// The subject of a Mondoo provider with that issuer, held against claims.
        case subject(issuer: String, JSON)
        /// A condition held against claims.
        case condition(Dialect, JSON)
        /// A trust held against claims, the time being ``PageRow/now``; the sample says which row.
        case trust(JSON, JSON)
        /// Trusts that fit one token, and what the request says.
        case trusts([JSON], JSON, Judgement.Target)
        /// Whether a form or document can be read; the error is thrown where it cannot.
        case document(@Sendable (String) throws -> Void)
    }

    let place: String
    let sample: String
    let question: Question
    let verdict: String

    static let now = WallTime(secondsSinceEpoch: 1_700_000_000)

    init(_ place: String, _ sample: String, _ question: Question, _ verdict: String = accepted) {
        (self.place, self.sample, self.question, self.verdict) = (place, sample, question, verdict)
    }

    static let accepted = "accepted"
    static let refused = "refused"
    static let open = "cannot be told here"

    var testDescription: String { "\(place): \(sample)" }

    /// What this program says of it.
    var answer: String {
        get throws {
            do {
                return try outcome().word
            } catch is PolicyError {
                return Self.refused
            } catch is AccountError {
                return Self.refused
            }
        }
    }

    private func outcome() throws -> Verdict {
        switch question {
        case .mapping(let claims):
            let mapping = try ClaimMapping(parsing: sample)
            return .whole(Clause.list(subject: nil, [mapping], claims: claims).map(\.verdict))
        case .subject(let issuer, let claims):
            let trust = try Trust(["issuer": .string(issuer), "subject": .string(sample)])
            return try #require(
                trust.judge(claims: claims, now: Self.now).first { $0.name == "subject" }
            ).verdict
        case .condition(let dialect, let claims):
            let condition = try Expression(parsing: sample, dialect: dialect)
            return condition.verdict(on: condition.evaluate(claims: claims), claims: claims)
        case .trust(let trust, let claims):
            return .whole(try Trust(trust).judge(claims: claims, now: Self.now).map(\.verdict))
        case .trusts(let trusts, let claims, let target):
            let parsed = try trusts.map { try Trust($0) }
            return try #require(
                Judgement(of: parsed, claims: claims, now: Self.now, target: target)
            ).verdict
        case .document(let read):
            try read(sample)
            return .accepted
        }
    }
}

/// Claims with some changed; `null` leaves one out.
func changed(_ claims: JSON, _ changes: [String: JSON]) -> JSON {
    .object((claims.object ?? [:]).merging(changes) { $1 }.filter { $0.value != .null })
}
