import Kernel

extension FormatFacts {
    /// An `Authorization` header on a line of its own, for `curl -H @FILE`.
    static let header = FormatFacts(
        objection: { service in
            service.facts.givesTokens
                ? nil : "header is not for \(service.facts.title), whose credential is not a token"
        },
        render: { (input) throws(FormatError) in
            let credential = input.credential
            guard let scheme = credential.scheme else {
                throw FormatError(
                    "header is not for \(input.account.service.kind.facts.title), whose"
                        + " credential is not a token",
                    hint: "use raw, json, env or envfile"
                )
            }
            var bytes = Array("Authorization: \(scheme) ".utf8)
            bytes += credential.value.bytes + [UInt8(ascii: "\n")]
            defer { wipe(&bytes) }
            return Rendered(bytes: Secret(bytes))
        }
    )
}
