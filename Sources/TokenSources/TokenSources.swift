package import Federation
internal import Platform

/// A token, and what should be said about how it was found.
package struct FoundToken: Sendable {
    package let token: SubjectToken
    /// Ready to print.
    package let warnings: [String]
    /// Whether a warning says already that the token's issuer is not the configured one.
    package let isKnownMismatch: Bool

    init(_ token: SubjectToken, warnings: [String] = [], isKnownMismatch: Bool = false) {
        self.token = token
        self.warnings = warnings
        self.isKnownMismatch = isKnownMismatch
    }
}

extension SourceContext {
    /// A new token from the source; never one from before.
    ///
    /// - Throws: ``Failure`` at the step `subjectToken` that names the source, what was tried and what
    ///   came back. `noSource` where the platform is not here, `transient` where it is and did not answer.
    package func subjectToken(from source: TokenSource) async throws(Failure) -> FoundToken {
        if case .automatic = source { return try await automaticToken() }
        do throws(SourceError) {
            return FoundToken(try await token(from: source))
        } catch {
            var error = error
            // Nobody there, and nothing that says there should be: not an outage.
            if error.isAbsent, evidence(of: source) != .platform { error.class = .noSource }
            throw error.failure(of: source.name)
        }
    }

    func token(from source: TokenSource) async throws(SourceError) -> SubjectToken {
        switch source {
        case .automatic: throw SourceError(.noSource, "auto is not one source")
        case .literal(let token):
            return try GivenToken(source: source.name, value: token.text, place: "jwtToken")
                .subjectToken()
        case .gcp(let serviceAccount):
            return try await GoogleMetadata(serviceAccount: serviceAccount).subjectToken(self)
        case .azure(let azure): return try await Azure(source: azure).subjectToken(self)
        case .github: return try await GitHubActions().subjectToken(self)
        case .aws(let aws): return try await AWS(source: aws).subjectToken(self)
        case .file(let path, let format):
            return try TokenFile(path: path, format: format).subjectToken()
        case .environment(let name): return try token(inVariable: name)
        default: return try await platformToken(from: source)
        }
    }

    private func platformToken(from source: TokenSource) async throws(SourceError) -> SubjectToken {
        switch source {
        case .url(let url): return try await URLToken(source: url).subjectToken(self)
        case .executable(let program):
            return try await Executable(source: program).subjectToken(self)
        case .azurePipelines(let connection):
            return try await AzurePipelines(serviceConnection: connection).subjectToken(self)
        case .gitlab(let variable): return try GitLab(variable: variable).subjectToken(self)
        case .circleci(let variable):
            return try await CircleCI(variable: variable).subjectToken(self)
        case .bitbucket: return try Bitbucket().subjectToken(self)
        case .terraform(let tag): return try Terraform(tag: tag).subjectToken(self)
        case .buildkite(let lifetime):
            return try await Buildkite(lifetime: lifetime).subjectToken(self)
        case .kubernetes(let pod): return try await Kubernetes(source: pod).subjectToken(self)
        case .spiffe(let path): return try SPIFFE(path: path).subjectToken()
        case .fly(let socket): return try await Fly(socket: socket).subjectToken(self)
        case .vercel: return try Vercel().subjectToken(self)
        case .spacelift(let path): return try Spacelift(path: path).subjectToken(self)
        default: throw SourceError(.misconfigured, "\(source.name) is no platform")
        }
    }

    private func evidence(of source: TokenSource) -> Evidence {
        switch source {
        case .gcp: GoogleMetadata.evidence(self)
        case .azure: Azure.evidence(self)
        case .github: GitHubActions.evidence(self)
        case .aws: awsEvidence
        case .automatic, .literal, .file, .environment: .none
        // Named in the account file, and so expected to be there.
        default: .platform
        }
    }
}
