import Diagnosis
import Exchanges
import Federation
import FoundationEssentials
import Glibc
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

/// What is said where the way to a service ends.
@Suite(.timeLimit(.minutes(1)))
struct ServiceWayTests {
    private static let proxy = "http://proxy.test:8080"
    /// O = Acme Corp, CN = Acme Root CA G1; until 2051.
    private static let root = """
        -----BEGIN CERTIFICATE-----
        MIIBszCCAVmgAwIBAgIUazNsPgM05YOrJfySV3oit0+RnpgwCgYIKoZIzj0EAwIw
        LjESMBAGA1UECgwJQWNtZSBDb3JwMRgwFgYDVQQDDA9BY21lIFJvb3QgQ0EgRzEw
        IBcNMjYxMTMwMTUyNDIzWhgPMjA1MTA3MjIxNTI0MjNaMC4xEjAQBgNVBAoMCUFj
        bWUgQ29ycDEYMBYGA1UEAwwPQWNtZSBSb290IENBIEcxMFkwEwYHKoZIzj0CAQYI
        KoZIzj0DAQcDQgAEbH5wkYaMt03vV3WgWNFrU5/7Jz1jcZOat1Mn7cSOWEj7WWNt
        vXvHntUDEX5+6o+RB+mFJfGJvBaUg9a0g7VRdqNTMFEwHQYDVR0OBBYEFB/wHi0O
        E9Udp1NukRuNkHRQZHQJMB8GA1UdIwQYMBaAFB/wHi0OE9Udp1NukRuNkHRQZHQJ
        MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhALO5KM6ALAX+gZt4
        1JofsHUKc6bssIlLoGT/IHI00CugAiBZDGGB92pZNTT11+VWveVpk+OxyJsIAQ8D
        3HegLaqN8Q==
        -----END CERTIFICATE-----
        """

    private func failed(
        _ error: HTTPError,
        chain: [CertificateFacts] = [],
        _ members: [String: JSON] = [:],
        environment: [String: String] = [:]
    ) async throws -> StepReport {
        let transport = ScriptedTransport { (request, _) throws(HTTPError) in
            guard request.onlyShakesHands else { throw error }
            var reply = HTTPResponse.text(200)
            reply.connection = ConnectionFacts(address: "192.0.2.1", port: 443, chain: chain)
            return reply
        }
        let probe = await exchangeContext(transport, environment: environment)
            .probeService(of: try account(members))
        return try #require(probe.steps.first { $0.state == .failed })
    }

    private func refused(_ url: String = "https://mondoo.test/") -> HTTPError {
        HTTPError(
            .unreachable,
            url: url,
            detail: "no",
            phase: .connect,
            systemError: .connectionRefused
        )
    }

    // MARK: Proxies

    @Test(arguments: [
        (
            ["HTTPS_PROXY": proxy],
            "nothing listens at its port 8080: correct the port in HTTPS_PROXY"
        ),
        (["HTTPS_PROXY": "http://proxy.test"], "no port stands in HTTPS_PROXY"),
        (["MONDOO_API_PROXY": proxy], "unset MONDOO_API_PROXY"),
        (
            ["ALL_PROXY": "socks5h://127.0.0.1:1080"],
            "unset it, so that mondoo.test is asked directly"
        ),
    ])
    func `a port of the proxy's at which nothing listens is told`(
        environment: [String: String],
        hint: String
    ) async throws {
        let step = try await failed(refused(), environment: environment)
        #expect(step.name == .proxy)
        #expect(step.hint?.contains(hint) == true, "\(step.hint ?? "")")
    }

    @Test func `the account file's own proxy is not exempted from by a variable`() async throws {
        let step = try await failed(refused(), ["proxy": .string(Self.proxy)])
        #expect(step.hint?.contains("remove proxy from the account file") == true)
        #expect(step.hint?.contains("NO_PROXY") == false)
    }

    @Test func `a proxy that takes the connection and says nothing is another program`()
        async throws
    {
        let error = HTTPError(.timedOut(.tls), url: "https://mondoo.test/", detail: "time")
        let step = try await failed(error, environment: ["HTTPS_PROXY": Self.proxy])
        #expect(step.hint?.contains("does not answer CONNECT") == true, "\(step.hint ?? "")")
    }

    // MARK: Certificates

    private func facts(
        _ subject: String,
        by issuer: String,
        until: String = "Jan  9 00:00:00 2030 GMT",
        from: String = "Jan  1 00:00:00 2020 GMT",
        hosts: String = "DNS:mondoo.test"
    ) -> CertificateFacts {
        CertificateFacts(
            subject: subject,
            issuer: issuer,
            starts: from,
            expires: until,
            hosts: hosts
        )
    }

    @Test(arguments: [
        ("https://us.api.mondoo.com", "O = Acme Corp, CN = Acme CA", "inspects TLS"),
        ("https://mondoo.test", "O = Acme Corp, CN = Acme Inspection CA", "inspects TLS"),
        ("https://mondoo.test", "O = Acme Corp, CN = Acme Issuing CA 3", "send its full chain"),
        ("https://mondoo.test", "O = Acme Corp, CN = Acme CA", "from whoever runs mondoo.test"),
    ])
    func `an authority that is not trusted is told by what it is`(
        universe: String,
        authority: String,
        hint: String
    ) async throws {
        let step = try await failed(
            HTTPError(.tls(.unknownAuthority), url: universe, detail: "unknown"),
            chain: [facts("CN = x", by: authority)],
            ["universeDomain": .string(universe)],
            environment: ["SSL_CERT_FILE": "/dev/null"]
        )
        #expect(step.name == .tls)
        #expect(step.hint?.contains(hint) == true, "\(step.hint ?? "")")
    }

    @Test func `an intermediate of a trusted authority's is missing`() async throws {
        let scratch = ScratchDirectory()
        let bundle = scratch("ca.pem")
        try Self.root.write(toFile: bundle, atomically: false, encoding: .utf8)
        let step = try await failed(
            HTTPError(.tls(.unknownAuthority), url: "https://mondoo.test", detail: "unknown"),
            chain: [facts("CN = x", by: "O = Acme Corp, CN = Acme CA 3")],
            environment: ["SSL_CERT_FILE": bundle]
        )
        #expect(step.hint?.contains("the chain is incomplete") == true, "\(step.hint ?? "")")
        #expect(step.hint?.contains("Acme Root CA G1") == true)
    }

    @Test(arguments: [
        ("DNS:us.api.mondoo.com, DNS:eu.api.mondoo.com", "https://us.api.mondoo.com"),
        ("DNS:other.test", "write https://other.test in universeDomain"),
        ("", "get a certificate with that name"),
    ])
    func `the names of another host's certificate are what to write`(
        hosts: String,
        hint: String
    ) async throws {
        let step = try await failed(
            HTTPError(.tls(.wrongHost), url: "https://mondoo.test", detail: "no match"),
            chain: [facts("CN = x", by: "CN = y", hosts: hosts)]
        )
        #expect(step.hint?.contains(hint) == true, "\(step.hint ?? "")")
    }

    /// A refusal of what is signed by the authority in `root`, whose key is another.
    private func renewed(_ environment: [String: String]) async throws -> StepReport {
        try await failed(
            HTTPError(.tls(.unknownAuthority), url: "https://us.api.mondoo.com", detail: "unknown"),
            chain: [facts("CN = x", by: "O = Acme Corp, CN = Acme Root CA G1")],
            ["universeDomain": "https://us.api.mondoo.com"],
            environment: environment
        )
    }

    @Test func `an authority of the same name with another key is told`() async throws {
        let scratch = ScratchDirectory()
        let bundle = scratch("ca.pem")
        try Self.root.write(toFile: bundle, atomically: false, encoding: .utf8)
        let step = try await renewed(["SSL_CERT_FILE": bundle])
        #expect(step.text.contains("\(bundle) has an authority of that name with another key"))
        #expect(step.hint?.hasPrefix("get the present certificate of O = Acme Corp") == true)
        #expect(step.hint?.contains("inspects") == false)
    }

    @Test func `a directory of authorities without its links is told`() async throws {
        let scratch = ScratchDirectory()
        try Self.root.write(toFile: scratch("acme.pem"), atomically: false, encoding: .utf8)
        let step = try await renewed(["SSL_CERT_DIR": scratch.path])
        #expect(step.hint?.hasPrefix("openssl rehash \(scratch.path)") == true, "\(step)")
    }

    @Test(.enabled(if: geteuid() != 0, "root reads what nobody may"))
    func `authorities that cannot be read are told before anything is concluded`() async throws {
        let scratch = ScratchDirectory()
        let place = scratch("closed")
        try FileManager.default.createDirectory(
            atPath: place,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o000]
        )
        let step = try await renewed(["SSL_CERT_DIR": place])
        #expect(step.hint?.hasPrefix("chmod 755 \(place)") == true, "\(step)")
    }

    @Test func `a public authority that is missing here is no inspection`() async throws {
        let step = try await failed(
            HTTPError(.tls(.unknownAuthority), url: "https://us.api.mondoo.com", detail: "unknown"),
            chain: [facts("CN = x", by: "C = US, O = Google Trust Services, CN = WR9")],
            ["universeDomain": "https://us.api.mondoo.com"],
            environment: ["SSL_CERT_FILE": "/dev/null"]
        )
        #expect(
            step.hint?.contains("a public authority that this machine's certificates lack") == true
        )
        #expect(step.hint?.contains("unset it") == true)
    }

    // MARK: Names

    /// A machine without any address of its own.
    private struct NoNetwork: HTTPTransport {
        let lacksNetwork = true

        func send(
            _ request: HTTPRequest,
            deadline: BootInstant
        ) async throws(HTTPError) -> HTTPResponse {
            throw HTTPError(.unresolved, url: request.url, detail: "no")
        }

        func lookUp(_ name: String) async -> NameLookup { .unanswered }
    }

    @Test func `without a network no name server is at fault`() async throws {
        let probe = await exchangeContext(NoNetwork()).probeService(of: try account([:]))
        let step = try #require(probe.steps.first { $0.state == .failed })
        #expect(step.name == .dns)
        #expect(step.hint?.hasPrefix("give it a network") == true)
    }

    @Test(arguments: [
        ("https://kubernetes.default.svc.cluster.local", "kube-apiserver --service-account-issuer"),
        ("https://gitlab.corp", "give the issuer a URL on the internet"),
        ("https://10.1.2.3:8443", "give the issuer a URL on the internet"),
        ("https://idp", "give the issuer a URL on the internet"),
    ])
    func `an issuer that the internet does not know is told before its certificate`(
        issuer: String,
        hint: String
    ) async throws {
        let token = SubjectToken(
            Secret(unsignedJWT("{\"iss\":\"\(issuer)\",\"sub\":\"a\"}")),
            source: "file"
        )
        let members: [String: JSON] = [
            "universeDomain": "https://us.api.mondoo.com", "issuerUri": .string(issuer),
        ]
        let steps = await exchangeContext(NoNetwork())
            .checkIssuer(of: token, for: try account(members))
        #expect(steps.first?.state == .failed)
        #expect(steps.first?.hint?.contains(hint) == true, "\(steps)")
        // A service of one's own may know it.
        let own = await exchangeContext(NoNetwork())
            .checkIssuer(of: token, for: try account(["issuerUri": .string(issuer)]))
        #expect(own.first?.hint?.contains(hint) != true)
    }
}
