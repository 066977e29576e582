import Federation
import Kernel
import Text

/// One of the sources that `auto` asks.
struct Candidate: Sendable {
    let name: String
    private let signs: [PlatformSign]
    private let source: TokenSource
    private let isAlwaysAsked: Bool
    /// The variable, and its value, where it is not to be asked.
    private let exception: (variable: String, value: String)?

    /// Whether the machine has the identity, and not a job or a pod on it.
    private var isMachine = false

    /// Those to ask: some always, the others only where something says that this is their platform. In
    /// the order of preference; all are started together.
    static func all(_ context: SourceContext) -> [Candidate] {
        let asked = TokenPlatform.allCases.compactMap(Candidate.init)
            .filter { $0.isAlwaysAsked || $0.evidence(context) != .none }
        guard context.prefersJobs else { return asked }
        let isSpecific = { (candidate: Candidate) in
            !candidate.isMachine && candidate.evidence(context) == .platform
        }
        return asked.filter(isSpecific) + asked.filter { !isSpecific($0) }
    }

    /// `nil` for a platform that is only asked where an account file names it.
    private init?(_ platform: TokenPlatform) {
        let facts = platform.facts
        switch facts.automatic {
        case .always(let exception):
            self.init(platform.rawValue, facts.signs, platform.plainSource, exception, always: true)
        case .whereSigned: self.init(platform.rawValue, facts.signs, platform.plainSource)
        case .whereFound(let signs, let name, let source): self.init(name, signs, source)
        case .never: return nil
        }
        isMachine = facts.isMachine
    }

    private init?(
        _ name: String,
        _ signs: [PlatformSign],
        _ source: TokenSource?,
        _ exception: (variable: String, value: String)? = nil,
        always isAlwaysAsked: Bool = false
    ) {
        guard let source else { return nil }
        self.name = name
        self.signs = signs
        self.source = source
        self.exception = exception
        self.isAlwaysAsked = isAlwaysAsked
    }

    func evidence(_ context: SourceContext) -> Evidence { context.evidence(signs) }

    func ask(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        if let (variable, value) = exception, context.variable(variable) == value {
            throw SourceError(
                .noSource,
                "not asked: \(variable) is \(value)",
                hint:
                    "unset \(variable), or name the source, which is asked all the same: \"credentialSource\":"
                    + " {\"provider\": \"\(name)\"}",
                isAbsent: true
            )
        }
        return try await context.token(from: source)
    }
}

typealias Answer = Result<SubjectToken, SourceError>

extension SourceContext {
    /// The token of whatever platform this is: the one of the configured issuer, else the first in order.
    func automaticToken() async throws(Failure) -> FoundToken {
        if let token = variable("JWT_TOKEN") {
            return FoundToken(
                SubjectToken(Secret(token), source: "JWT_TOKEN", isRenewable: false),
                warnings: ["the token in the variable JWT_TOKEN is used; it cannot be renewed"]
            )
        }
        if let source = TokenPlatform.soleSource(of: issuer) {
            return try await subjectToken(from: source)
        }
        let candidates = Candidate.all(self)
        let answers = await ask(candidates, everyone: false)
        if Task.isCancelled { throw SourceError.cancelled.failure(of: "auto") }
        return try choose(among: answers, of: candidates)
    }

    /// Those that `auto` asks; `nil` where it asks nobody, or one platform alone.
    var automaticCandidates: [Candidate]? {
        let asksNobody = variable("JWT_TOKEN") != nil
        return asksNobody || TokenPlatform.soleSource(of: issuer) != nil ? nil : Candidate.all(self)
    }

    /// The answers in the candidates' order; `nil` for one that was not waited for any more.
    func ask(_ candidates: [Candidate], everyone: Bool) async -> [Answer?] {
        await withTaskGroup(of: (Int, Answer).self) { group in
            for (index, candidate) in candidates.enumerated() {
                group.addTask { (index, await answer(of: candidate)) }
            }
            var answers = [Answer?](repeating: nil, count: candidates.count)
            while let (index, answer) = await group.next() {
                answers[index] = answer
                if !everyone, isDecided(answers) { break }
            }
            group.cancelAll()
            return answers
        }
    }

    private func answer(of candidate: Candidate) async -> Answer {
        do throws(SourceError) {
            return .success(try await candidate.ask(self))
        } catch {
            return .failure(error)
        }
    }

    /// With an issuer any source may still bring its token; without, order alone decides.
    private func isDecided(_ answers: [Answer?]) -> Bool {
        if answers.contains(where: isMatching) { return true }
        guard issuer == nil else { return false }
        return answers.prefix { $0 != nil }.contains { $0?.token != nil }
    }

    private func isMatching(_ answer: Answer?) -> Bool {
        guard let issuer, let claims = answer?.token?.claims else { return false }
        return claims.isIssued(by: issuer)
    }

    func choose(
        among answers: [Answer?],
        of candidates: [Candidate]
    ) throws(Failure) -> FoundToken {
        if let token = answers.first(where: isMatching)??.token { return FoundToken(token) }
        guard let token = answers.lazy.compactMap({ $0?.token }).first else {
            throw nothingFound(answers, candidates)
        }
        guard let issuer else { return FoundToken(token) }
        let found = token.claims?.issuer?.printable ?? "none"
        let warning =
            "auto: no source gave a token of the issuer \(issuer.printable);"
            + " \(token.source)'s is used, whose issuer is \(found)"
        return FoundToken(token, warnings: [warning], isKnownMismatch: true)
    }

    /// One failure that tells of every source: first of those that are here, by evidence or because
    /// they answered, each with its error; then of the others on one line. It counts as an outage where
    /// a source that is here asked for patience; else there is no token to be had.
    private func nothingFound(_ answers: [Answer?], _ candidates: [Candidate]) -> Failure {
        var present: [String] = []
        var absent: [String] = []
        var hints: [String] = []
        var outage: SourceError?
        for (candidate, answer) in zip(candidates, answers) {
            guard case .failure(let error)? = answer else { continue }
            guard !error.isAbsent || candidate.evidence(self) == .platform else {
                absent.append("\(candidate.name) (\(error.absence))")
                continue
            }
            present.append("\(candidate.name): \(error.message)")
            if let hint = error.hint { hints.append("\(candidate.name): \(hint)") }
            let isOutage = error.class.isPassing
            if isOutage, outage == nil { outage = error }
        }
        if !absent.isEmpty { present.append("not here: \(absent.joined(separator: ", "))") }
        return Failure(
            outage?.class ?? .noSource,
            at: .subjectToken,
            "no token source gave a token; " + present.joined(separator: "; "),
            hint: hints.isEmpty ? nil : hints.joined(separator: "; "),
            retryAfter: outage?.retryAfter
        )
    }
}

extension SourceError {
    /// In a few words why a source counts as not here.
    fileprivate var absence: String {
        let isShort = summary.count <= Self.longestAbsence
        return isShort ? summary : summary.prefix(Self.longestAbsence) + "..."
    }

    private static let longestAbsence = 80
}

extension Result where Success == SubjectToken {
    fileprivate var token: SubjectToken? {
        if case .success(let token) = self { token } else { nil }
    }
}
