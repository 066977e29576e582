import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

@testable import TokenSources

/// Variables that another job, machine or template left behind, and those that are half there.
@Suite(.timeLimit(.minutes(1)))
struct LeftoverTests {
    static let templates: [(String, String?)] = [
        ("$(System.AccessToken)", "$(System.AccessToken)"), ("${{ env.X }}", "${{ env.X }}"),
        ("${TOKEN}", "${TOKEN}"), ("$TOKEN", "$TOKEN"), ("%TOKEN%", "%TOKEN%"),
        ("{{ token }}", "{{ token }}"), ("<token>", "<token>"),
        ("https://a.example/$(X)/b", "$(X)"),
        ("eyJhbGciOiJub25lIn0.e30.c2ln", nil), ("https://a.example/%20?x=$1", nil),
        ("abc$def", nil), ("", nil), ("<html><b>x</b></html>", nil),
    ]

    @Test(arguments: templates)
    func `a template that nothing replaced is known by its marks`(value: String, found: String?) {
        #expect(Placeholder.unexpanded(in: value) == found)
    }

    @Test(arguments: [
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    ])
    func `of two variables the one that is missing is named`(missing: String, there: String) async {
        var environment = gitHubEnvironment
        environment[missing] = nil
        let absent = await failure(
            .github,
            context(ScriptedTransport([]), environment: environment)
        )
        #expect(absent?.message.contains("\(there) is set, and \(missing) is not set") == true)
        #expect(absent?.hint?.contains("docker run -e \(missing)") == true)
        environment[missing] = ""
        let empty = await failure(.github, context(ScriptedTransport([]), environment: environment))
        #expect(empty?.message.contains("\(missing) is empty") == true)
    }

    @Test func `a template in a variable is not sent`() async {
        var environment = gitHubEnvironment
        environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "${{ env.TOKEN }}"
        let network = ScriptedTransport([])
        let failure = await failure(.github, context(network, environment: environment))
        #expect(failure?.class == .misconfigured)
        #expect(failure?.message.contains("holds a template, ${{ ... }},") == true)
        #expect(network.sent.isEmpty)
    }

    @Test func `the variable that names a dead metadata server is told of`() async {
        let error = HTTPError(.unreachable, url: "http://localhost:8091/x", detail: "refused")
        let context = context(
            ScriptedTransport([.failure(error)]),
            environment: ["GCE_METADATA_HOST": "localhost:8091"]
        )
        let failure = await failure(.gcp(serviceAccount: "default"), context)
        #expect(failure?.hint?.contains("unset GCE_METADATA_HOST") == true)
    }

    @Test func `that a token service is asked without the proxy is told of`() async {
        let url = "https://run.actions.githubusercontent.com/x"
        let error = HTTPError(.unresolved, url: url, detail: "no address")
        let network = ScriptedTransport(Array(repeating: .failure(error), count: 8))
        let environment = gitHubEnvironment.merging(["HTTPS_PROXY": "http://proxy:3128"]) { $1 }
        let failure = await failure(.github, context(network, environment: environment))
        #expect(failure?.hint?.contains("HTTPS_PROXY is not used") == true)
        #expect(failure?.hint?.contains("ACTIONS_ID_TOKEN_REQUEST_URL") == true)
    }

    @Test func `another tag's token is named`() async {
        let environment = ["TFC_WORKLOAD_IDENTITY_TOKEN_MONDOO": gitHubToken]
        let context = context(ScriptedTransport([]), environment: environment)
        let failure = await failure(.terraform(tag: nil), context)
        #expect(failure?.hint?.contains("\"tag\": \"MONDOO\"") == true)
    }

    @Test func `a profile's section with or without the word profile is told of`() async throws {
        let scratch = ScratchDirectory()
        let files = ["config": "[prod]\nregion = x\n", "credentials": "[profile dev]\nx = y\n"]
        for (name, text) in files {
            try Data(text.utf8).write(to: URL(filePath: scratch(name)))
        }
        for (profile, right) in [("prod", "[profile prod]"), ("dev", "[dev]")] {
            let environment = [
                "AWS_CONFIG_FILE": scratch("config"),
                "AWS_SHARED_CREDENTIALS_FILE": scratch("credentials"), "AWS_PROFILE": profile,
            ]
            let context = context(ScriptedTransport([]), environment: environment)
            let failure = await failure(.aws(AWSSource()), context)
            #expect(failure?.hint?.contains("write \(right) for") == true, "\(failure?.hint ?? "")")
        }
    }
}
