import Federation
import Kernel
import Text

extension HelperFacts {
    /// That of docker, podman, skopeo and others for registries: the server's address on standard input, a
    /// JSON object on standard output. https://github.com/docker/docker-credential-helpers
    static let docker = HelperFacts(
        actions: ["get", "list", "store", "erase", "version"],
        answer: { call in
            switch call.action {
            case "get": try await registryCredential(call)
            case "list": HelperAnswer(output: try registries(call))
            case "version":
                HelperAnswer(output: Array("docker-credential-wif-agent \(programVersion)\n".utf8))
            default:
                throw call.refused(
                    "wif-agent obtains credentials itself; there is nothing to \(call.action)",
                    hint: "leave docker login and docker logout out for this registry"
                )
            }
        },
        refusal: { Array("\($0)\n".utf8) }
    )
}

/// What clients look for in place of a credential: they ask the registry without one then.
/// docker-credential-helpers, credentials/error.go
private let notFound = "credentials not found in native keychain"

private func registryCredential(_ call: HelperCall) async throws -> HelperAnswer {
    let server = try call.input().text.trimmed
    let account = try call.account()
    do throws(CommandFailure) {
        try call.check(server, for: account)
    } catch {
        complain(error.failure.message, hint: error.failure.hint)
        return HelperAnswer(output: Array("\(notFound)\n".utf8), status: 1)
    }
    let (credential, _) = try await call.token(of: account)
    let answer: JSON = [
        "ServerURL": .string(server), "Username": .string(registryUser(call)),
        "Secret": .string(credential.value.text),
    ]
    return HelperAnswer(output: answer.serialized() + [UInt8(ascii: "\n")])
}

private func registries(_ call: HelperCall) throws -> [UInt8] {
    var names: [String: JSON] = [:]
    // A pattern is the name of no registry.
    for host in call.allowedHosts(for: try call.account()) where !host.hasPrefix("*") {
        names[host] = .string(registryUser(call))
    }
    return JSON.object(names).serialized() + [UInt8(ascii: "\n")]
}

/// The name that goes with an access token at Google's registries; most others take any.
private func registryUser(_ call: HelperCall) -> String {
    call.username(usual: "oauth2accesstoken")
}
