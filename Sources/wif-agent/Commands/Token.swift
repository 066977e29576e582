import Agent
import Federation
import Kernel
import Text

extension Command {
    static let token = Command(
        name: "token",
        summary: "print the claims of the subject token",
        options: [
            config,
            Option(name: "raw", help: "print the token itself; treat it as a password"),
            .source,
        ] + worker,
        run: { invocation in try await tokenCommand(invocation) }
    )
}

private func tokenCommand(_ invocation: Invocation) async throws -> Int32 {
    let token = try await presentedToken(invocation)
    if invocation.isSet("raw") {
        try emit(token.bytes + [UInt8(ascii: "\n")])
    } else if let claims = TokenClaims(decoding: token) {
        try emit(claims.all.serialized(indented: true) + [UInt8(ascii: "\n")])
    } else if let request = SignedRequestSummary(decoding: token) {
        try emit(request.json.serialized(indented: true) + [UInt8(ascii: "\n")])
    } else {
        throw CommandFailure(.noJWT)
    }
    return 0
}

extension Option {
    static let source = Option(
        name: "source",
        value: "SOURCE",
        help: "ask this provider in place of the file's"
    )
}

/// The token that this machine would present for the account; tells on standard error where it is from.
func presentedToken(_ invocation: Invocation) async throws -> Secret {
    let account = try AccountChoice.load(invocation)
    return try await askSource(account, invocation) { .subjectToken(provider: $0) }
}

/// What the service will learn from that token.
func presentedClaims(
    _ account: Account,
    _ invocation: Invocation
) async throws -> JSON {
    try await askSource(account, invocation) { .claims(provider: $0) }
}

private func askSource<Value>(
    _ account: Account,
    _ invocation: Invocation,
    _ request: (String?) -> JobRequest<Value>
) async throws -> Value {
    let provider = invocation.value("source")
    if let provider, !TokenSource.providers.contains(provider) {
        throw UsageError(
            message: "--source \(provider.printable): one of "
                + TokenSource.providers.joined(separator: ", ")
        )
    }
    let result = try await DirectExchange.run(
        request(provider),
        for: account,
        timeout: try invocation.timeout,
        invocation
    )
    let value = try result.get()
    if let source = result.proof?.source { writeToStandardError("source: \(source)\n") }
    return value
}
