import Federation
import Kernel
import Text

extension HelperFacts {
    /// That of Google's client libraries (executable-sourced credentials): a subject token with the
    /// audience that they name; they exchange it themselves. https://google.aip.dev/auth/4117
    static let google = HelperFacts(
        answer: { call in
            let type = try tokenType(call)
            guard let audience = call.environment["GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE"],
                !audience.isEmpty
            else {
                throw call.refused(
                    "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE is not set",
                    hint: "it is for Google's libraries, which set it: name this command in"
                        + " credential_source.executable of their file"
                )
            }
            let token = try await subjectToken(audience, call)
            var answer: [String: JSON] = [
                "version": 1, "success": true, "token_type": .string(type),
                "id_token": .string(token.text),
            ]
            if let expiry = TokenClaims(decoding: token)?.expiresAt {
                answer["expiration_time"] = .integer(Int64(expiry.clamped(to: 0...1e12)))
            }
            return HelperAnswer(
                output: JSON.object(answer).serialized() + [UInt8(ascii: "\n")]
            )
        },
        refusal: { message in
            let answer: JSON = [
                "version": 1, "success": false, "code": "wif-agent", "message": .string(message),
            ]
            return answer.serialized() + [UInt8(ascii: "\n")]
        }
    )
}

/// What the libraries call the token; both are JWTs.
private func tokenType(_ call: HelperCall) throws(CommandFailure) -> String {
    let known = ["jwt", "id_token"].map { "urn:ietf:params:oauth:token-type:\($0)" }
    let type = call.environment["GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE"] ?? known[0]
    guard known.contains(type) else {
        throw call.refused(
            "a token of the type \(type.printable) is asked for, and there are \(known[0]) and"
                + " \(known[1])",
            hint: "set subject_token_type of the libraries' file to \(known[0])"
        )
    }
    return type
}

private func subjectToken(_ audience: String, _ call: HelperCall) async throws -> Secret {
    let configured = try call.account()
    let account: Account
    do throws(AccountError) {
        account = try configured.asking(for: audience, environment: call.environment)
    } catch {
        throw CommandFailure(error.failure)
    }
    return try await DirectExchange.run(
        .subjectToken(),
        for: account,
        timeout: call.timeout,
        since: call.start,
        call.invocation
    ).get()
}
