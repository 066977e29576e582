import Federation
import Kernel
import Text

/// A program that gives a token: bare, or in the executable response of Google's client libraries.
struct Executable: TokenFetcher {
    private static let limit = 1 << 20

    let source: ExecutableSource

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let now = context.timekeeper.wallClock.secondsSinceEpoch
        if let kept = kept(at: now, context) { return kept }
        let program = Program(
            command: source.command,
            variables: variables(context),
            timeLimit: source.timeLimit
        )
        let result = try await context.run(program)
        let response = ExecutableResponse(result.output)
        if case .failure(let error) = response { throw error.of(program.name) }
        guard result.status == .exited(0) else {
            throw SourceError(
                .noSource,
                "\(program.name) ended with \(result.status)",
                hint: Self.hint(for: result.status, program)
            )
        }
        do throws(SourceError) {
            return SubjectToken(try response.token(at: now), source: context.source)
        } catch {
            throw error.of(program.name)
        }
    }

    /// What a shell's exit code says. `sh(1)`
    private static func hint(for status: ChildProcess.ExitStatus, _ program: Program) -> String {
        var start = "it failed"
        if status == .exited(127) {
            start =
                "a command in it is not found: write its whole path there, for a program of the agent's has"
                + " the PATH of the agent alone"
        } else if status == .exited(126) {
            start = "a command in it may not be run: chmod a+x on it"
        }
        return
            "\(start); run \(program.name) by hand as the agent's user and see what it says: standard error is"
            + " not kept"
    }

    /// The last response, where the program keeps one and its token has not expired.
    private func kept(at now: Double, _ context: SourceContext) -> SubjectToken? {
        guard let path = source.outputFile else { return nil }
        do {
            let response = ExecutableResponse(try readFile(path, limit: Self.limit))
            guard let expiry = response.expiry, expiry > now else { return nil }
            return SubjectToken(try response.token(at: now), source: context.source)
        } catch {
            return nil  // The program is asked, which the file only saves.
        }
    }

    private func variables(_ context: SourceContext) -> [String: String] {
        let prefix = "GOOGLE_EXTERNAL_ACCOUNT_"
        var variables = [
            "AUDIENCE": context.audience, "TOKEN_TYPE": source.tokenType, "INTERACTIVE": "0",
            "REVOKE": "0",
        ]
        variables["IMPERSONATED_EMAIL"] = source.impersonatedEmail
        variables["OUTPUT_FILE"] = source.outputFile
        var result = ["\(prefix)ALLOW_EXECUTABLES": "1"]
        for (name, value) in variables { result[prefix + name] = value }
        return result
    }
}

/// What a program printed.
enum ExecutableResponse {
    case bare(Secret)
    case token(Secret, expiry: Double?)
    case failure(SourceError)

    init(_ output: Secret) {
        var bytes = output.bytes
        defer { wipe(&bytes) }
        guard bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else {
            self = .bare(Secret(output.text.trimmed))
            return
        }
        do throws(SourceError) {
            self = try Self.parse(bytes)
        } catch {
            self = .failure(error)
        }
    }

    var expiry: Double? {
        if case .token(_, let expiry) = self { expiry } else { nil }
    }

    /// - Throws: what the program says has failed, what it wrote wrongly, or that its token has expired.
    func token(at now: Double) throws(SourceError) -> Secret {
        switch self {
        case .failure(let error): throw error
        case .bare(let token):
            let isVisible = token.bytes.isVisibleASCII
            if token.count == 0 {
                throw SourceError(
                    .noSource,
                    "printed nothing",
                    hint:
                        "the program must print the token on standard output: run it by hand as the"
                        + " agent's user, with PATH, HOME and LANG alone"
                )
            }
            guard isVisible else {
                throw SourceError(
                    .noSource,
                    "printed \(token.count) bytes, which is more than a token or none",
                    hint: "the token alone belongs on standard output, all else on standard error"
                )
            }
            return token
        case .token(let token, let expiry):
            if let expiry, expiry <= now {
                throw SourceError(
                    .noSource,
                    "the token expired \(Int(min(now - expiry, 1e9))) s ago",
                    hint:
                        "let the program print a new token, and its expiration_time in seconds since"
                        + " 1970"
                )
            }
            return token
        }
    }

    private static func parse(_ bytes: [UInt8]) throws(SourceError) -> ExecutableResponse {
        let json = try JSON(bytes, of: "the response", hint: Self.form)
        guard let version = json["version"]?.lenientNumber, version <= 1 else {
            throw SourceError(
                .noSource,
                "the response's version is not 1",
                hint: hint(forMembersOf: json)
            )
        }
        guard let isSuccess = json["success"]?.bool else {
            throw SourceError(
                .noSource,
                "the response has no boolean success",
                hint: Self.form
            )
        }
        guard isSuccess else { throw failure(json) }
        let type = json["token_type"]?.string ?? ""
        let member = type.hasSuffix(":saml2") ? "saml_response" : "id_token"
        guard let token = json[member]?.string?.trimmed, !token.isEmpty else {
            throw SourceError(
                .noSource,
                json[member] == nil
                    ? "the response of type \"\(type.printable)\" has no \(member)"
                    : "the response's \(member) is empty or no string",
                hint: "let the program put the token into \(member); \(Self.form)"
            )
        }
        return .token(Secret(token), expiry: json["expiration_time"]?.lenientNumber)
    }

    /// For a program that prints the whole answer of an identity provider.
    private static func hint(forMembersOf json: JSON) -> String {
        let names = ["id_token", "access_token", "token", "jwt", "value"]
        guard let name = names.first(where: { json[$0]?.string?.hasPrefix("eyJ") == true }) else {
            return form
        }
        return
            "it printed JSON with the token in \(name): let it print that alone, | jq -r .\(name) at the end of the command; or"
            + " {\"version\": 1, \"success\": true, \"token_type\": \"urn:ietf:params:oauth:token-type:id_token\","
            + " \"id_token\": TOKEN}"
    }

    private static let form =
        "let it print the bare token, or {\"version\": 1, \"success\": true, \"token_type\":"
        + " \"urn:ietf:params:oauth:token-type:id_token\", \"id_token\": TOKEN}"

    private static func failure(_ json: JSON) -> SourceError {
        guard let code = json["code"]?.string, let message = json["message"]?.string else {
            return SourceError(
                .noSource,
                "failed without a code and a message",
                hint: "run it by hand as the agent's user, and fix what it reports"
            )
        }
        return SourceError(
            .noSource,
            "failed with \(code.printable): \(message.printable)",
            hint:
                "the program reported this: run it by hand as the agent's user, and fix the cause"
        )
    }
}
