import Federation
import Serving
import Testing
import Text

@testable import wif_emulator

@Suite struct `Command line` {
    @Test(arguments: [
        ["--nope"], ["--listen"], ["--listen", "x"], ["--listen", "127.0.0.1:1=nobody"],
        ["--platform", "oracle"], ["--tls"], ["--claim", "sub=x"], ["--claim", "oracle.sub=x"],
        ["--aws-credentials", "sso"], ["--aws-hop-limit", "0"],
        ["--token-lifetime", "gcp=never"], ["--credential-lifetime", "0"],
        ["--tls-fault", "odd"], ["--url", "nobody=https://x"], ["--trust", #"{"issuer":"x"}"#],
        ["--fault", #"{"bogus":1}"#], ["--fault", "/does/not/exist"],
    ])
    func `what cannot be understood is refused`(arguments: [String]) {
        #expect(throws: UsageError.self) { try Command(parsing: arguments) }
    }

    @Test func `flags take their value either way`() throws {
        let options = try options([
            "--platform=gcp,azure", "--credential-lifetime", "5", "--claim", "gcp.sub=\"1\"",
            "--claim=github.run_id=7", "--token-lifetime", "60", "--token-lifetime=azure=90",
        ])
        #expect(options.platforms == [.gcp, .azure])
        #expect(options.credentialLifetime == 5)
        #expect(options.claims["gcp"]?["sub"] == "1")
        #expect(options.claims["github"]?["run_id"] == 7)
        for platform in TokenPlatform.played {
            let expected: Int64 = platform == .azure ? 90 : 60
            #expect(options.tokenLifetimes[platform.rawValue] == expected)
        }
    }

    private static let others =
        ",conductorone,bright,oauth,entra,keycloak,anthropic,openai,vault,octo-sts,google,token"

    static let bindings: [(arguments: [String], expected: [String])] = [
        (
            [],
            [
                "127.0.0.1:0 gcp,azure,aws-imds,aws-container,github,issuers,mondoo\(others)",
                "127.0.0.1:0 azure-legacy", "127.0.0.1:0 aws-sts",
            ]
        ),
        (["--platform", "none"], ["127.0.0.1:0 issuers,mondoo\(others)"]),
        (
            ["--tls", "--directory", "/tmp", "--platform", "gcp"],
            ["127.0.0.1:0 gcp", "tls:127.0.0.1:0 issuers,mondoo\(others)"]
        ),
        (
            ["--listen", "127.0.0.1:80", "--platform", "gcp"],
            ["127.0.0.1:80 gcp,issuers,mondoo\(others)"]
        ),
        (
            [
                "--platform", "azure", "--listen", "169.254.169.254:80=azure",
                "--listen", "127.0.0.1:50342=azure-legacy", "--listen", "tls:10.0.0.1:443=mondoo",
            ],
            [
                "169.254.169.254:80 azure", "127.0.0.1:50342 azure-legacy",
                "tls:10.0.0.1:443 mondoo", "127.0.0.1:0 issuers\(others)",
            ]
        ),
    ]

    @Test(arguments: bindings)
    func `every role is found at an address`(arguments: [String], expected: [String]) throws {
        let found = try options(arguments).bindings.map { binding in
            let roles = binding.roles.map(\.rawValue).joined(separator: ",")
            return "\(binding.isTLS ? "tls:" : "")\(binding.address) \(roles)"
        }
        #expect(found == expected)
    }

    private func options(_ arguments: [String]) throws -> Options {
        guard case .run(let options) = try Command(parsing: arguments) else {
            throw UsageError("nothing to run")
        }
        return options
    }
}
