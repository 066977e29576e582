import Federation
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing

@testable import TokenSources

private enum Place {
    case google
    case imds
    case legacy
    case gitHub

    init(_ request: HTTPRequest) {
        if request.method == "POST" {
            self = .legacy
        } else if request.url.contains("computeMetadata") {
            self = .google
        } else {
            self = request.url.contains("/metadata/identity") ? .imds : .gitHub
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct AutomaticTests {
    private func network(
        _ answers: [Place: Result<HTTPResponse, HTTPError>]
    ) -> ScriptedTransport {
        ScriptedTransport { (request, _) async throws(HTTPError) in
            try (answers[Place(request)] ?? .failure(.refused)).get()
        }
    }

    /// GitHub answers, nothing listens at the legacy port, and the metadata address swallows all.
    private func blackhole(_ time: VirtualTimekeeper) -> ScriptedTransport {
        ScriptedTransport { (request, _) async throws(HTTPError) in
            switch Place(request) {
            case .gitHub: return gitHubReply()
            case .legacy: throw .refused
            case .google, .imds: break
            }
            do {
                try await time.sleep(until: time.now.advanced(bySeconds: request.connectTimeout))
            } catch {
                throw HTTPError(.cancelled, url: request.url, detail: "")
            }
            throw .blackholed
        }
    }

    private let everything: [Place: Result<HTTPResponse, HTTPError>] = [
        .google: .success(googleReply()), .imds: .success(azureReply()),
        .gitHub: .success(gitHubReply()),
    ]

    @Test(arguments: [
        ("https://accounts.google.com", googleToken),
        ("https://sts.windows.net/t", azureToken),
        ("https://token.actions.githubusercontent.com/", gitHubToken),
    ])
    func `the matching issuer wins, whoever else answers`(
        _ issuer: String,
        _ token: String
    ) async throws {
        let found = try await context(
            network(everything),
            environment: gitHubEnvironment,
            issuer: issuer
        ).subjectToken(from: .automatic)
        #expect(found.token.value.text == token)
        #expect(found.warnings.isEmpty)
        #expect(!found.isKnownMismatch)
    }

    @Test func `else the first in order wins, with a warning of both issuers`() async throws {
        let found = try await context(
            network([.imds: .success(azureReply()), .gitHub: .success(gitHubReply())]),
            environment: gitHubEnvironment,
            issuer: "https://issuer.example"
        ).subjectToken(from: .automatic)
        #expect(found.token.source == "azure imds")
        #expect(found.isKnownMismatch)
        let warning = try #require(found.warnings.first)
        #expect(warning.contains("https://issuer.example"))
        #expect(warning.contains("https://sts.windows.net/t/"))
    }

    @Test(arguments: [(true, gitHubToken), (false, googleToken)])
    func `a job may come before the machine it runs on`(
        prefersJobs: Bool,
        token: String
    ) async throws {
        let found = try await context(
            network(everything),
            environment: gitHubEnvironment,
            isGoogle: true,
            prefersJobs: prefersJobs
        ).subjectToken(from: .automatic)
        #expect(found.token.value.text == token)
        #expect(found.warnings.isEmpty)
    }

    @Test func `where no job is here the machine is asked as ever`() async throws {
        let found = try await context(network(everything), isGoogle: true, prefersJobs: true)
            .subjectToken(from: .automatic)
        #expect(found.token.value.text == googleToken)
    }

    @Test func `JWT_TOKEN comes before all of them`() async throws {
        let network = network(everything)
        let found = try await context(
            network,
            environment: ["JWT_TOKEN": " x "],
            issuer: "https://sts.amazonaws.com"
        ).subjectToken(from: .automatic)
        #expect(found.token.value.text == "x")
        #expect(!found.token.isRenewable)
        #expect(found.warnings.count == 1)
        #expect(network.sent.isEmpty)
    }

    @Test func `AWS's issuer asks nobody else`() async {
        let network = network(everything)
        let error = await failure(
            .automatic,
            context(
                network,
                environment: ["AWS_EC2_METADATA_DISABLED": "true"],
                issuer: "https://sts.amazonaws.com"
            )
        )
        #expect(error?.class == .noSource)
        #expect(error?.message.hasPrefix("aws: no key in the variables") == true)
        #expect(network.sent.isEmpty)
    }

    @Test func `without any token every source is named`() async throws {
        let network = network([.google: .failure(.blackholed)])
        let context = context(network, issuer: "https://issuer.example")
        let error = try #require(await failure(.automatic, context))
        #expect(error.class == .noSource)
        #expect(
            error.message
                == "no token source gave a token; not here: gcp (timed out connecting:"
                + " no answer), azure (IMDS: no connection: refused; legacy endpoint: no connection:"
                + " refused), github (ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not"
                + " both set)"
        )
        #expect(error.hint == nil)
        #expect(network.sent.count == 3)
    }

    // An agent shows 300 characters of a message: what matters must not stand behind them.
    @Test func `the source that is here comes first, those that are not on one line`() async throws
    {
        let network = network([.google: .failure(.blackholed)])
        let environment = ["GITHUB_ACTIONS": "true"]
        let error = try #require(
            await failure(.automatic, context(network, environment: environment))
        )
        #expect(
            error.message
                == "no token source gave a token; github: ACTIONS_ID_TOKEN_REQUEST_URL and"
                + " ACTIONS_ID_TOKEN_REQUEST_TOKEN are not both set; not here: gcp (timed"
                + " out connecting: no answer), azure (IMDS: no connection: refused; legacy endpoint:"
                + " no connection: refused)"
        )
        #expect(error.hint?.contains("permissions: id-token: write") == true)
    }

    // An emulator points what it does not play at a dead port, on whatever machine.
    @Test func `overrides to where nothing listens cost no retries`() async {
        let time = VirtualTimekeeper(isSkipping: true)
        let environment = [
            "GCE_METADATA_HOST": "127.0.0.1:1", "MSI_ENDPOINT": "http://127.0.0.1:1/oauth2/token",
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1",
        ]
        let context = context(
            network([:]),
            environment: environment,
            timekeeper: time,
            isGoogle: true,
            isAzure: true
        )
        #expect(await failure(.automatic, context)?.class == .noSource)
        #expect(time.slept.isEmpty)
    }

    @Test func `NO_GCE_CHECK leaves GCP out`() async {
        let network = network([:])
        let error = await failure(
            .automatic,
            context(network, environment: ["NO_GCE_CHECK": "true"])
        )
        #expect(error?.message.contains("NO_GCE_CHECK") == true)
        #expect(!network.sent.contains { Place($0) == .google })
    }

    @Test func `an outage of the platform that is here is an outage`() async {
        let network = network([.imds: .success(.text(410))])
        let context = context(network, issuer: "https://issuer.example", isAzure: true)
        let error = await failure(.automatic, context)
        #expect(error?.class == .transient)
        #expect(error?.retryAfter == 70)
    }

    @Test func `a blackholed address does not hold up the matching token`() async throws {
        let time = VirtualTimekeeper()
        let start = time.now
        let found = try await context(
            blackhole(time),
            environment: gitHubEnvironment,
            timekeeper: time,
            issuer: "https://token.actions.githubusercontent.com"
        ).subjectToken(from: .automatic)
        #expect(found.token.value.text == gitHubToken)
        #expect(time.now == start)
    }

    @Test func `blackholed addresses cost 1 s together, not a sum`() async throws {
        let time = VirtualTimekeeper()
        let context = context(
            blackhole(time),
            environment: gitHubEnvironment,
            timekeeper: time,
            issuer: "https://issuer.example"
        )
        let start = time.now
        async let found = context.subjectToken(from: .automatic)
        await time.waitForSleepers(2)
        time.advance(by: 1)
        #expect(try await found.token.value.text == gitHubToken)
        #expect(time.now.seconds(since: start) == 1)
    }
}
