import Federation
import Kernel
import Outputs
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RenderingTests {
    private let expires = "2024-01-02T04:04:05Z"

    private func rendered(_ credential: Credential, _ format: Format) throws -> String {
        try format.render(credential, for: account(), variable: "NAME").bytes.text
    }

    @Test func `Mondoo's credential in each format`() throws {
        let credential = mondooCredential()
        let base64 = credential.value.text
        #expect(try rendered(credential, .raw) == base64)
        #expect(try rendered(credential, .json) == mondooDocument)
        let env = "export NAME='\(base64)'\nexport WIF_AGENT_EXPIRES_AT='\(expires)'\n"
        #expect(try rendered(credential, .env) == env)
        let envfile = "NAME=\(base64)\nWIF_AGENT_EXPIRES_AT=\(expires)\n"
        #expect(try rendered(credential, .envfile) == envfile)
        let error = #expect(throws: FormatError.self) { try rendered(credential, .header) }
        #expect(error?.hint != nil)
    }

    @Test func `an access token in each format`() throws {
        let credential = tokenCredential("to.k-en")
        #expect(try rendered(credential, .raw) == "to.k-en")
        let json =
            #"{"access_token":"to.k-en","expires_at":"\#(expires)","token_type":"Bearer"}"#
        #expect(try rendered(credential, .json) == json)
        #expect(try rendered(credential, .header) == "Authorization: Api-Key to.k-en\n")
    }

    /// Every character an access token may have (RFC 6749 A.12).
    private let visible = String(
        decoding: (UInt8(0x21)...0x7E).map { $0 },
        as: UTF8.self
    )

    @Test(arguments: ["dash", "bash", "zsh"])
    func `a shell reads from env what was meant`(_ shell: String) async throws {
        let place = ScratchDirectory()
        let file = try FileOutput(path: place("env"), options: FileOptions())
        let credential = tokenCredential("$(id)`'\"\\" + visible + "'")
        let account = try account()
        let env = try Format.env.render(credential, for: account, variable: "NAME")
        _ = try file.write(env.bytes)
        guard let printed = try await output(of: shell, place("env")) else { return }
        #expect(printed == credential.value.text + "|" + expires)
    }

    @Test func `envfile is bare where both readers agree, else quoted with a warning`() throws {
        let account = try account()
        for character in visible.map(String.init) {
            let credential = tokenCredential("a\(character)b")
            let result = try Format.envfile.render(credential, for: account, variable: "N")
            let line = result.bytes.text.split(separator: "\n")[0]
            let isWord = character.allSatisfy { $0.isLetter || $0.isNumber }
            if isWord || "._~+/=:@%,-".contains(character) {
                #expect(line == "N=a\(character)b")
                #expect(result.warnings.isEmpty)
            } else {
                let escape = "\"\\`$".contains(character) ? "\\" : ""
                #expect(line == "N=\"a\(escape)\(character)b\"")
                #expect(result.warnings.count == 1)
            }
        }
    }

    /// `nil` where the shell is not installed.
    private func output(of shell: String, _ path: String) async throws -> String? {
        let pipe = try Pipe()
        let output = pipe.writing.raw
        var request = ChildProcess.Request(
            path: shell,
            arguments: [
                shell, "-c", ". \"$0\"; printf '%s|%s' \"$NAME\" \"$WIF_AGENT_EXPIRES_AT\"", path,
            ],
            environment: ["PATH": "/usr/bin:/bin"],
            descriptors: [-1, output, 2]
        )
        request.searchesPath = true
        let child: ChildProcess
        do {
            child = try ChildProcess(request)
        } catch {
            // execvp(3) says so too where it may not look into a directory of PATH.
            if error == .notFound || error == .noAccess { return nil }
            throw error
        }
        let reading = pipe.takeReading()
        _ = try await child.wait()
        return String(decoding: try reading.read(upTo: 65_536), as: UTF8.self)
    }
}
