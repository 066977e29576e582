import Federation
import Kernel
import Text

extension HelperFacts {
    /// Bazel's, which others share: a URI on standard input, headers on standard output. It is the one
    /// that carries tokens that are not Bearer ones.
    /// https://github.com/EngFlow/credential-helper-spec
    static let bazel = HelperFacts(
        actions: ["get"],
        answer: { call in
            let account = try call.account()
            try call.check(try askedURI(call), for: account)
            let (credential, scheme) = try await call.token(of: account)
            let answer: JSON = [
                "headers": [
                    "Authorization": [.string("\(scheme) \(credential.value.text)")]
                ],
                "expires": .string(rfc3339(credential.expiresAt)),
            ]
            return HelperAnswer(output: answer.serialized() + [UInt8(ascii: "\n")])
        }
    )
}

private func askedURI(_ call: HelperCall) throws(CommandFailure) -> String {
    let input = try call.input()
    let question: JSON
    do throws(JSONError) {
        question = try JSON(parsing: input.bytes)
    } catch {
        throw call.refused("the question on standard input is not JSON")
    }
    guard let uri = question["uri"]?.string else {
        throw call.refused("the question on standard input has no string \"uri\"")
    }
    return uri
}
