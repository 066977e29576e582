package import Federation
import Kernel

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

/// One way to a subject token.
protocol TokenFetcher: Sendable {
    /// A new token; never one from before.
    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken
}

extension SourceContext {
    /// A new token from the source; never one from before.
    ///
    /// - Throws: ``Failure`` at the step `subjectToken` that names the source, what was tried and what
    ///   came back. `noSource` where the platform is not here, `transient` where it is and did not answer.
    package func subjectToken(from source: TokenSource) async throws(Failure) -> FoundToken {
        if case .automatic = source { return try await automaticToken() }
        do throws(SourceError) {
            return FoundToken(try await soleToken(from: source))
        } catch {
            throw error.failure(of: source.name)
        }
    }

    /// The same of a source that is not `auto`.
    func soleToken(from source: TokenSource) async throws(SourceError) -> SubjectToken {
        do throws(SourceError) {
            return try await token(from: source)
        } catch {
            var error = error
            // Nobody there, and nothing that says there should be: not an outage. A job's platform is
            // expected where the account file names it.
            if error.isAbsent, case .platform(let platform) = source.kind,
                platform.facts.isMachine, evidence(of: platform) != .platform
            {
                error.class = .noSource
            }
            throw error
        }
    }

    func token(from source: TokenSource) async throws(SourceError) -> SubjectToken {
        var context = self
        context.source = source.name
        let token = try await fetcher(of: source).subjectToken(context)
        secrets.add(token.value)
        return token
    }

    /// How a token is had from each source: the list of this room, which the compiler holds to be whole.
    private func fetcher(of source: TokenSource) throws(SourceError) -> any TokenFetcher {
        switch source {
        case .automatic: throw SourceError(.noSource, "auto is not one source")
        case .literal(let token):
            GivenToken(value: token.text, place: "jwtToken")
        case .file(let path, let format): TokenFile(path: path, format: format)
        case .environment(let name): EnvironmentToken(name: name)
        case .url(let url): URLToken(source: url)
        case .executable(let program): Executable(source: program)
        case .account(let name): HandedOverToken(account: name)
        case .gcp(let serviceAccount): GoogleMetadata(serviceAccount: serviceAccount)
        case .azure(let azure): Azure(source: azure)
        case .github: GitHubActions()
        case .azurePipelines(let connection): AzurePipelines(serviceConnection: connection)
        case .gitlab(let variable): GitLab(variable: variable)
        case .circleci(let variable): CircleCI(variable: variable)
        case .bitbucket: Bitbucket()
        case .terraform(let tag): Terraform(tag: tag)
        case .buildkite(let lifetime): Buildkite(lifetime: lifetime)
        case .fly(let socket): Fly(socket: socket)
        case .vercel: Vercel()
        case .spacelift(let path): Spacelift(path: path)
        case .codefresh: Codefresh()
        case .kubernetes(let pod): Kubernetes(source: pod)
        case .aws(let aws): AWS(source: aws)
        case .spiffe(let source): SPIFFE(source: source)
        }
    }
}
