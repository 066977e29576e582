import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing

@testable import Federation
@testable import TokenSources

@Suite("auto beyond the clouds", .timeLimit(.minutes(1)))
struct AutomaticJobsTests {
    private let token = unsignedJWT(#"{"iss":"https://gitlab.com","sub":"job"}"#)

    @Test func `a CI system is asked where its variables are, after the clouds`() async throws {
        let network = ScriptedTransport([.failure(.blackholed)])
        let variables = ["GITLAB_CI": "true", "GITLAB_OIDC_TOKEN": token]
        let found = try await context(network, environment: variables)
            .subjectToken(from: .automatic)
        #expect(found.token.source == "gitlab")
        let cloud = ScriptedTransport([.success(googleReply())])
        let both = try await context(cloud, environment: variables).subjectToken(from: .automatic)
        #expect(both.token.source == "gcp")
        let wanted = try await context(
            cloud,
            environment: variables,
            issuer: "https://gitlab.com/"
        ).subjectToken(from: .automatic)
        #expect(wanted.token.source == "gitlab")
    }

    @Test func `elsewhere it is not mentioned`() async throws {
        let network = ScriptedTransport([.failure(.blackholed)])
        let error = try #require(await failure(.automatic, context(network)))
        #expect(error.class == .noSource)
        for name in ["gitlab", "kubernetes", "buildkite", "fly", "aws"] {
            #expect(!error.message.contains(name))
        }
    }

    @Test func `AWS is asked for a token where variables give an identity`() async throws {
        let network = ScriptedTransport([.failure(.blackholed)])
        let variables = ["AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"]
        let error = try #require(
            await failure(.automatic, context(network, environment: variables))
        )
        #expect(error.message.contains("aws web-identity: "))
        #expect(error.message.contains("AWS_SECRET_ACCESS_KEY"))
    }

    @Test func `its error says what is missing`() async throws {
        let network = ScriptedTransport([.failure(.blackholed)])
        let job = context(network, environment: ["GITLAB_CI": "true"])
        let error = try #require(await failure(.automatic, job))
        #expect(error.message.contains("gitlab: the variable GITLAB_OIDC_TOKEN is not set"))
        #expect(error.hint?.contains("id_tokens") == true)
    }
}
