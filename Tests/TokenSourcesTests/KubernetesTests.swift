import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing

@testable import Federation
@testable import TokenSources

private let podToken = unsignedJWT(
    #"{"iss":"https://k","sub":"system:serviceaccount:ns:sa","exp":1704168200}"#
)
private let mintedToken = unsignedJWT(#"{"iss":"https://k","sub":"minted","exp":1704168200}"#)

@Suite(.timeLimit(.minutes(1)))
struct KubernetesTests {
    private let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1"]

    @Test func `TokenRequest is sent as the API describes it`() async throws {
        let place = ScratchDirectory()
        try write(podToken, place("token"))
        let body = #"{"status":{"token":"\#(mintedToken)"}}"#
        let network = ScriptedTransport([.success(.text(201, body))])
        let pod = context(network, environment: environment, audience: "aud")
        let source = KubernetesSource.request(directory: place.path, lifetime: 700)
        let found = try await pod.subjectToken(from: .kubernetes(source))
        #expect(found.token.value.text == mintedToken)
        let request = try #require(network.sent.first)
        #expect(
            request.url
                == "https://[fd00::1]:443/api/v1/namespaces/ns/serviceaccounts/sa/token"
        )
        #expect(request.trust == .file(place("ca.crt")))
        #expect(request.headerLines.first == "Authorization: Bearer \(podToken)")
        #expect(
            request.body?.text
                == #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","#
                + #""spec":{"audiences":["aud"],"expirationSeconds":700}}"#
        )
    }

    @Test func `a pod that may not is told what to allow`() async throws {
        let place = ScratchDirectory()
        try write(podToken, place("token"))
        let network = ScriptedTransport([.success(.text(403, "{}"))])
        let source = KubernetesSource.request(directory: place.path, lifetime: 600)
        let pod = context(network, environment: environment)
        let error = try #require(await failure(.kubernetes(source), pod))
        #expect(error.class == .noSource)
        #expect(error.hint?.contains("ns/sa") == true)
    }

    @Test func `a rotated file is read anew, and waited for where the token is too old`()
        async throws
    {
        let place = ScratchDirectory()
        let manager = FileManager.default
        for (name, text) in [("1", podToken), ("2", mintedToken)] {
            try manager.createDirectory(atPath: place(name), withIntermediateDirectories: false)
            try write(text, place("\(name)/token"))
        }
        try manager.createSymbolicLink(atPath: place("..data"), withDestinationPath: "1")
        try manager.createSymbolicLink(atPath: place("token"), withDestinationPath: "..data/token")
        let source = TokenSource.kubernetes(.file(path: place("token")))
        let pod = context(ScriptedTransport([.failure(.refused)]))
        let first = try await pod.subjectToken(from: source).token
        #expect(first.value.text == podToken)
        try manager.createSymbolicLink(atPath: place("next"), withDestinationPath: "2")
        try rename(place("next"), to: place("..data"))
        let second = await pod.replacement(for: first, from: source) { $0.value.text != podToken }
        #expect(second?.value.text == mintedToken)
    }

    @Test func `an empty file, a directory and no file are told apart`() async throws {
        let place = ScratchDirectory()
        try write(" \n", place("empty"))
        let pod = context(ScriptedTransport([.failure(.refused)]))
        for (path, text) in [
            (place("empty"), "is empty"), (place.path, "is a directory"),
            (place("none"), "No such file"),
        ] {
            let error = await failure(.kubernetes(.file(path: path)), pod)
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        }
    }

    @Test func `a JWT-SVID without iss is explained`() async throws {
        let place = ScratchDirectory()
        let pod = context(ScriptedTransport([.failure(.refused)]))
        try write(podToken, place("good"))
        let found = try await pod.subjectToken(from: .spiffe(.file(path: place("good"))))
        #expect(found.token.source == "spiffe")
        #expect(found.token.isRenewable)
        try write(unsignedJWT(#"{"sub":"spiffe://d/w"}"#), place("bare"))
        let error = await failure(.spiffe(.file(path: place("bare"))), pod)
        #expect(error?.hint?.contains("jwt_issuer") == true)
        try write("-----BEGIN CERTIFICATE-----", place("x509"))
        let other = await failure(.spiffe(.file(path: place("x509"))), pod)
        #expect(other?.message.contains("not a JWT") == true)
    }
}
