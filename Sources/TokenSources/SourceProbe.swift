package import Federation
import Kernel

/// What one token source answered when all of them were waited for.
package struct SourceAnswer: Sendable {
    package let name: String
    /// What said, before it was asked, that the platform is here; ready to print.
    package let evidence: String
    /// Whether something on this machine or in its environment says that the platform is here, or
    /// somebody answered.
    package let isHere: Bool
    /// A failure does not repeat the source's name.
    package let token: Result<SubjectToken, Failure>
}

/// What a probe of the token sources found.
package struct SourceProbe: Sendable {
    /// Of each source that was asked, in the order of preference.
    package let answers: [SourceAnswer]
    /// What a job would go on with.
    package let found: Result<FoundToken, Failure>
}

extension SourceContext {
    /// Asks the source as ``subjectToken(from:)`` does; of `auto` every source, to the last answer.
    package func probe(_ source: TokenSource) async -> SourceProbe {
        guard case .automatic = source, let candidates = automaticCandidates else {
            return await probeOne(source)
        }
        let answers = await ask(candidates, everyone: true)
        let told = zip(candidates, answers).compactMap { candidate, answer in
            answer.map { self.answer($0, of: candidate) }
        }
        do throws(Failure) {
            return SourceProbe(
                answers: told,
                found: .success(try choose(among: answers, of: candidates))
            )
        } catch {
            return SourceProbe(answers: told, found: .failure(error))
        }
    }

    private func probeOne(_ source: TokenSource) async -> SourceProbe {
        if case .automatic = source { return await probeAutomatic() }
        do throws(SourceError) {
            return probe(of: FoundToken(try await soleToken(from: source)))
        } catch {
            return SourceProbe(
                answers: [named(source.name, .failure(error.failure))],
                found: .failure(error.failure(of: source.name))
            )
        }
    }

    /// Of `auto` where it asks nobody, or one platform alone.
    private func probeAutomatic() async -> SourceProbe {
        do throws(Failure) {
            return probe(of: try await automaticToken())
        } catch {
            let answer = named(TokenSource.automatic.name, .failure(error))
            return SourceProbe(answers: [answer], found: .failure(error))
        }
    }

    private func probe(of found: FoundToken) -> SourceProbe {
        let answer = named(found.token.source, .success(found.token))
        return SourceProbe(answers: [answer], found: .success(found))
    }

    /// The answer of the only source that was asked.
    private func named(_ name: String, _ token: Result<SubjectToken, Failure>) -> SourceAnswer {
        let reason = "only this source is asked"
        return SourceAnswer(name: name, evidence: reason, isHere: true, token: token)
    }

    private func answer(_ answer: Answer, of candidate: Candidate) -> SourceAnswer {
        let evidence = candidate.evidence(self)
        switch answer {
        case .success(let token):
            return SourceAnswer(
                name: candidate.name,
                evidence: evidence.description,
                isHere: true,
                token: .success(token)
            )
        case .failure(let error):
            return SourceAnswer(
                name: candidate.name,
                evidence: evidence.description,
                isHere: !error.isAbsent || evidence == .platform,
                token: .failure(error.failure)
            )
        }
    }
}

extension Evidence {
    /// Ready to print.
    fileprivate var description: String {
        switch self {
        case .none: "no sign that this is its platform"
        case .override: "a variable names its endpoint"
        case .platform: "the machine or its environment is that of its platform"
        }
    }
}
