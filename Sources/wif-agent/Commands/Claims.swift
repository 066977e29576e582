import Federation
import Kernel
import Policy
import Text

extension Command {
    static let claims = Command(
        name: "claims",
        arguments: "[-]",
        summary: "try a service's condition on the token's claims, or have one suggested",
        details: """
            Prints the claims of the token that this machine would present, or of the JWT or the
            JSON object on standard input with "-". With --for it suggests what to enter at the
            service; with --when, --when-file or --trust it says whether the service would accept
            or refuse the token, or that this cannot be told here, and what each part comes to.
            The exit code is 77 where it would be refused.

            For mondoo --when is NAME = VALUE and can be given again: subject, jwt_claims.… or
            aws_claims.…; for bright it is a CEL condition, or TITLE = VALUE for each field of its
            form for a CI provider; for conductorone a CEL condition.
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
            Option(
                name: "audience",
                value: "AUD",
                help: "without an account file: for whom the token is asked"
            ),
            Option(name: "json", help: "as JSON"),
            .source,
        ] + worker,
        maximalWords: 1,
        choices: ["-"],
        run: { invocation in try await claimsCommand(invocation) }
    )
}

private func claimsCommand(_ invocation: Invocation) async throws -> Int32 {
    // Whatever is wrong with the question is told before a token is fetched.
    let question = try ClaimsQuestion(invocation)
    let claims: JSON
    var target = Judgement.Target.unknown
    if let word = invocation.words.first {
        guard word == "-" else {
            throw UsageError(message: "unexpected argument \"\(word.printable)\"")
        }
        claims = try givenClaims()
    } else {
        let account = try claimsAccount(invocation)
        if case .tokenExchange(let service) = account.service, account.service.name == "bright" {
            target = Judgement.Target(resources: service.resources)
        }
        claims = try await presentedClaims(account, invocation)
    }
    let report = ClaimsReport(claims, question, now: .now, target: target)
    if invocation.isSet("json") {
        try emit(report.json.serialized(indented: true) + [UInt8(ascii: "\n")])
    } else {
        let style = TextStyle(environment: invocation.environment)
        try show(report.text(style, signs: invocation.environment.isUTF8))
    }
    return report.verdict == .refused ? 77 : 0
}

/// The account whose token is looked at; where no file is named and none is there, one that takes the
/// token of whatever platform this is.
private func claimsAccount(_ invocation: Invocation) throws -> Account {
    guard AccountChoice.isAbsent(invocation) else { return try AccountChoice.load(invocation) }
    let audience = invocation.value("audience") ?? "wif-agent-claims"
    writeToStandardError(
        "no account file: the token of this machine or job, for the audience \(audience.printable)\n"
    )
    let document: JSON = [
        "type": "external_account", "service": "oauth", "audience": .string(audience),
        "tokenUrl": "https://wif-agent.invalid/",
    ]
    do throws(AccountError) {
        return try Account(
            parsing: Secret(document.serialized()),
            path: "/claims.json",
            environment: invocation.environment
        )
    } catch {
        throw CommandFailure(error.failure)
    }
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
