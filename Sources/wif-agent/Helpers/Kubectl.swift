import Federation
import Kernel
import Text

extension HelperFacts {
    /// That of kubectl and other clients of a Kubernetes API server (an exec plugin): a question in
    /// KUBERNETES_EXEC_INFO, an ExecCredential on standard output.
    /// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    static let kubectl = HelperFacts(answer: { call in
        let version = try execCredentialVersion(call)
        let credential = try await call.bearerToken(of: try call.account())
        let answer: JSON = [
            "apiVersion": .string(version), "kind": "ExecCredential",
            "status": [
                "token": .string(credential.value.text),
                "expirationTimestamp": .string(rfc3339(credential.expiresAt)),
            ],
        ]
        return HelperAnswer(output: answer.serialized() + [UInt8(ascii: "\n")])
    })
}

private let execVersions = [
    "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1",
]

/// The version that the client wants its answer in.
private func execCredentialVersion(_ call: HelperCall) throws(CommandFailure) -> String {
    guard let text = call.environment["KUBERNETES_EXEC_INFO"] else { return execVersions[0] }
    let question: JSON
    do throws(JSONError) {
        question = try JSON(parsing: Array(text.utf8))
    } catch {
        throw call.refused("KUBERNETES_EXEC_INFO is not JSON: \(error.reason)")
    }
    let version = question["apiVersion"]?.string ?? "no version"
    guard question["kind"]?.string == "ExecCredential", execVersions.contains(version) else {
        throw call.refused(
            "kubectl asks in \(version.printable), and \(execVersions.joined(separator: " and "))"
                + " are known",
            hint: "set apiVersion of the user's exec to \(execVersions[0])"
        )
    }
    return version
}
