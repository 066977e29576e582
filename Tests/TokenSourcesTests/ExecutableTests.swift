import FoundationEssentials
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

@testable import Federation
@testable import TokenSources

private let programToken = unsignedJWT(#"{"iss":"https://p","sub":"program"}"#)

extension ProgramRunnerTests {
    static let responses: [(String, String?)] = [
        ("\(programToken)\n", nil), ("opaque", nil), ("", "printed nothing"),
        ("a b", "printed 3 bytes, which is more than a token or none"), ("{", "is not JSON"),
        (#"{"success":true}"#, "version is not 1"),
        (#"{"version":2,"success":true}"#, "version is not 1"),
        (#"{"version":1}"#, "no boolean success"),
        (#"{"version":1,"success":true,"token_type":"x"}"#, "has no id_token"),
        (#"{"version":1,"success":true,"token_type":"urn:o:saml2"}"#, "has no saml_response"),
        (#"{"version":1,"success":true,"saml_response":"x","token_type":"urn:o:saml2"}"#, nil),
        (#"{"version":1,"success":true,"id_token":"x","expiration_time":"2000"}"#, nil),
        (#"{"version":1,"success":true,"id_token":"x","expiration_time":999}"#, "expired 1 s ago"),
        (#"{"version":1,"success":false}"#, "without a code"),
        (#"{"version":1,"success":false,"code":"E17","message":"n"}"#, "failed with E17: n"),
    ]

    @Test(arguments: responses)
    func `a program's response is judged`(output: String, message: String?) {
        do throws(SourceError) {
            _ = try ExecutableResponse(Secret(output)).token(at: 1000)
            #expect(message == nil)
        } catch {
            #expect(error.message.contains(message ?? "none"), "\(error.message)")
        }
    }

    @Test func `a program gets Google's variables and may keep its response`() async throws {
        let place = ScratchDirectory()
        let program = try script(
            "echo hunter2 >&2; env > \(place("env")); echo \(programToken)",
            place("program")
        )
        let source = ExecutableSource(
            command: [program],
            timeLimit: 30,
            outputFile: place("kept"),
            tokenType: "urn:t",
            impersonatedEmail: "a@b"
        )
        let found = try await context().subjectToken(from: .executable(source))
        #expect(found.token.value.text == programToken)
        let environment = try readFile(place("env"), limit: 4096).text
        for line in [
            "AUDIENCE=a", "TOKEN_TYPE=urn:t", "INTERACTIVE=0", "REVOKE=0", "ALLOW_EXECUTABLES=1",
            "IMPERSONATED_EMAIL=a@b", "OUTPUT_FILE=\(place("kept"))",
        ] { #expect(environment.contains("GOOGLE_EXTERNAL_ACCOUNT_\(line)\n"), "\(line)") }
        let end = Int(WallTime.now.secondsSinceEpoch) + 600
        let response = #"{"version":1,"success":true,"id_token":"kept","expiration_time":\#(end)}"#
        try write(response, place("kept"))
        let kept = try await context().subjectToken(from: .executable(source))
        #expect(kept.token.value.text == "kept")
    }

    @Test func `a program that fails is told of without what it said on standard error`()
        async throws
    {
        let place = ScratchDirectory()
        let program = try script("echo hunter2 >&2; exit 4", place("program"))
        let source = ExecutableSource(
            command: [program],
            timeLimit: 30,
            outputFile: nil,
            tokenType: "urn:t",
            impersonatedEmail: nil
        )
        let error = try #require(await failure(.executable(source), context()))
        #expect(error.message == "executable: \(program) ended with exit code 4")
        #expect(error.hint?.contains("hunter2") == false)
    }

    @Test func `CI programs are asked for the audience`() async throws {
        let place = ScratchDirectory()
        _ = try script(
            "echo \"$@\" > \(place("bk")); echo \(programToken)",
            place("buildkite-agent")
        )
        _ = try script("echo \"$@\" > \(place("cc")); echo \(programToken)", place("circleci"))
        let job = context(["PATH": "\(place.path):/usr/bin:/bin"])
        for source in [TokenSource.buildkite(lifetime: 600), .circleci(variable: nil)] {
            let found = try await job.subjectToken(from: source)
            #expect(found.token.value.text == programToken)
            #expect(found.token.isRenewable)
        }
        let asked = try ["bk", "cc"].map {
            try readFile(place($0), limit: 4096).text
        }
        #expect(
            asked == [
                "oidc request-token --audience a --lifetime 600\n",
                "run oidc get --claims {\"aud\":\"a\"}\n",
            ]
        )
    }
}
