import Federation
import FoundationEssentials
import Platform
import Policy

extension Command {
    static let claims = Command(
        name: "claims",
        arguments: "[-]",
        summary: "try a service's condition on the token's claims, or have one suggested",
        details: """
            Prints the claims of the token that this machine would present, or of the JWT or the
            JSON object on standard input with "-". With --for it suggests what to enter at the
            service; with --when, --when-file or --trust it says whether the token would pass,
            what each part comes to, and exits with 77 where it would not.

            For mondoo --when is NAME=VALUE and can be given again: subject=…, jwt_claims.…=… or
            aws_claims.…=…; for the others it is a CEL condition.
            """,
        options: [
            config,
            Option(
                name: "for",
                value: "SERVICE",
                help: "conductorone, bright or mondoo (default: the account's)",
                choices: TrustingService.allCases.map(\.rawValue)
            ),
            Option(name: "when", value: "CONDITION", help: "the condition to try"),
            Option(name: "when-file", value: "FILE", help: "a file that holds it"),
            Option(name: "trust", value: "FILE", help: "everything the service was told, as JSON"),
            Option(name: "json", help: "as JSON"),
            .source,
            timeout,
            workerSocket,
        ],
        maximalWords: 1,
        choices: ["-"],
        run: { invocation in try await claimsCommand(invocation) }
    )
}

private func claimsCommand(_ invocation: Invocation) async throws -> Int32 {
    // Whatever is wrong with the question is told before a token is fetched.
    let question = try ClaimsQuestion(invocation)
    let claims: JSON
    if let word = invocation.words.first {
        guard word == "-" else {
            throw UsageError(message: "unexpected argument \"\(word.printable)\"")
        }
        claims = try givenClaims()
    } else {
        claims = try await presentedClaims(invocation)
    }
    let report = ClaimsReport(claims, question, now: .now)
    if invocation.isSet("json") {
        try emit(report.json.serialized(indented: true) + [UInt8(ascii: "\n")])
    } else {
        let style = TextStyle(environment: invocation.environment)
        try show(report.text(style, signs: invocation.environment.isUTF8))
    }
    return report.isAccepted == false ? 77 : 0
}

/// What standard input holds: a JWT, or claims as a JSON object.
private func givenClaims() throws -> JSON {
    let input: Secret
    do throws(Errno) {
        input = try readStandardInput(limit: 1 << 20)
    } catch {
        throw CommandFailure(
            Failure(.misconfigured, at: .subjectToken, "standard input cannot be read: \(error)"),
            exitCode: 66
        )
    }
    let trimmed = Secret(input.text.trimmed)
    if let claims = TokenClaims(decoding: trimmed) { return claims.all }
    do throws(JSONError) {
        let json = try JSON(parsing: trimmed.bytes)
        if json.object != nil { return json }
    } catch {
        guard input.text.trimmed.hasPrefix("{") else { throw notClaims("") }
        throw notClaims(": \(error.reason)")
    }
    throw notClaims("")
}

private func notClaims(_ why: String) -> CommandFailure {
    CommandFailure(
        Failure(
            .misconfigured,
            at: .subjectToken,
            "standard input is neither a JWT nor a JSON object\(why)",
            hint: "a JWT has three parts of base64url, divided by dots"
        )
    )
}
