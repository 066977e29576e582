internal import Federation
internal import Platform

/// One of the sources that `auto` asks.
struct Candidate: Sendable {
    let name: String
    let evidence: @Sendable (SourceContext) -> Evidence
    let ask: @Sendable (SourceContext) async throws(SourceError) -> SubjectToken

    /// Those to ask: the clouds and GitHub always, the others only where something says that this is
    /// their platform. In the order of preference; all are started together.
    static func all(_ context: SourceContext) -> [Candidate] {
        always + others.filter { $0.evidence(context) != .none }
    }

    private static let always: [Candidate] = [
        Candidate(name: GoogleMetadata.name, evidence: GoogleMetadata.evidence) {
            context async throws(SourceError) in
            if context.variable("NO_GCE_CHECK") == "true" {
                throw SourceError(.noSource, "not asked: NO_GCE_CHECK is true", isAbsent: true)
            }
            return try await GoogleMetadata(serviceAccount: "default").subjectToken(context)
        },
        Candidate(name: Azure.name, evidence: Azure.evidence) {
            context async throws(SourceError) in
            try await Azure(source: .unspecific).subjectToken(context)
        },
        Candidate(name: GitHubActions.name, evidence: GitHubActions.evidence) {
            context async throws(SourceError) in
            try await GitHubActions().subjectToken(context)
        },
    ]

    private static let others: [Candidate] = [
        Candidate("azure-pipelines", AzurePipelines.evidence),
        Candidate("gitlab", GitLab.evidence),
        Candidate("circleci", CircleCI.evidence),
        Candidate("bitbucket", Bitbucket.evidence),
        Candidate("terraform", Terraform.evidence),
        Candidate("buildkite", Buildkite.evidence),
        Candidate("fly", Fly.evidence),
        Candidate("vercel", Vercel.evidence),
        Candidate("spacelift", Spacelift.evidence),
        Candidate("kubernetes", Kubernetes.evidence),
        Candidate(name: "aws web-identity", evidence: AWS.evidence) {
            context async throws(SourceError) in
            try await AWS(source: AWSSource(token: .webIdentity)).subjectToken(context)
        },
    ]

    private init(
        name: String,
        evidence: @escaping @Sendable (SourceContext) -> Evidence,
        ask: @escaping @Sendable (SourceContext) async throws(SourceError) -> SubjectToken
    ) {
        self.name = name
        self.evidence = evidence
        self.ask = ask
    }

    /// A provider without options.
    private init(
        _ provider: String,
        _ evidence: @escaping @Sendable (SourceContext) -> Evidence
    ) {
        self.init(name: provider, evidence: evidence) { context async throws(SourceError) in
            guard let source = TokenSource(provider: provider) else {
                throw SourceError(.noSource, "needs options")
            }
            return try await context.token(from: source)
        }
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
        if let issuer, AWSSource.isAccountIssuer(issuer) {
            return try await subjectToken(from: .aws(AWSSource(token: .webIdentity)))
        }
        if AWSSource.isIssuer(issuer) {
            return try await subjectToken(from: .aws(AWSSource()))
        }
        let candidates = Candidate.all(self)
        let answers = await ask(candidates, everyone: false)
        if Task.isCancelled { throw SourceError.cancelled.failure(of: "auto") }
        return try choose(among: answers, of: candidates)
    }

    /// Those that `auto` asks; `nil` where it asks nobody, or AWS alone.
    var automaticCandidates: [Candidate]? {
        let isAWS = AWSSource.isIssuer(issuer) || issuer.map(AWSSource.isAccountIssuer) == true
        return isAWS || variable("JWT_TOKEN") != nil ? nil : Candidate.all(self)
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
            let isOutage = error.class == .transient || error.class == .throttled
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
        let words = message.split(separator: ": ").last ?? ""
        return words.count <= Self.longestAbsence ? String(words) : "no answer"
    }

    private static let longestAbsence = 80
}

extension Result where Success == SubjectToken {
    fileprivate var token: SubjectToken? {
        if case .success(let token) = self { token } else { nil }
    }
}
