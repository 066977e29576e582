import Federation
import Kernel
import Text

extension HelperFacts {
    /// git's: attributes, one a line, on standard input and output. `git-credential(1)`,
    /// `gitcredentials(7)`
    static let git = HelperFacts(
        actions: ["get", "store", "erase", "capability"],
        answer: { call in
            switch call.action {
            case "get": HelperAnswer(output: try await gitCredential(call))
            case "erase": try await forgetGitCredential(call)
            // The agent keeps the credential itself, and git wants the operations of later versions ignored.
            default: HelperAnswer()
            }
        }
    )
}

/// What git says of the credential that it wants or had.
private struct GitAttributes {
    private var values: [String: String] = [:]

    /// Those that decide who is given what: each once, and of printable characters. Lines end at LF
    /// alone, as git ends them: a value that a server or a URL chose must not become another attribute.
    /// - Throws: ``CommandFailure``.
    init(_ input: Secret, _ call: HelperCall) throws(CommandFailure) {
        for line in input.bytes.split(separator: UInt8(ascii: "\n")) {
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(decoding: line[..<equals], as: UTF8.self)
            guard Self.names.contains(name) else { continue }
            let value = line[line.index(after: equals)...]
            guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), values[name] == nil else {
                throw call.refused("git tells \(name) twice, or with control characters in it")
            }
            values[name] = String(decoding: value, as: UTF8.self)
        }
    }

    private static let names: Set = ["protocol", "host", "username", "password"]

    subscript(_ name: String) -> String? { values[name] }

    /// The place, without what is a path to git.
    /// - Throws: ``CommandFailure`` where it is no place on the network.
    func place(_ call: HelperCall) throws(CommandFailure) -> String {
        guard let scheme = self["protocol"], let host = self["host"], !host.isEmpty,
            ["http", "https"].contains(scheme)
        else {
            throw call.refused(
                "git asks for a credential that is not for http or https",
                hint: "git sends protocol and host on standard input; by hand: echo"
                    + " url=https://HOST | git credential fill"
            )
        }
        // git has decoded it: what would end a URL's host belongs to no host.
        guard host.isAlphanumeric(or: "-._:[]") else {
            throw call.refused("git asks for the host \(host.printable), which is none")
        }
        return "\(scheme)://\(host)"
    }
}

private func gitCredential(_ call: HelperCall) async throws -> [UInt8] {
    let asked = try GitAttributes(try call.input(), call)
    let account = try call.account()
    try call.check(try asked.place(call), for: account)
    let (credential, _) = try await call.token(of: account)
    let name = call.username(asked: asked["username"], usual: "x-access-token")
    guard !name.utf8.contains(where: { $0 < 0x20 }) else {
        throw call.refused("the user name holds a control character")
    }
    let expiry = Int64(credential.expiresAt.secondsSinceEpoch)
    return Array("username=\(name)\npassword=".utf8) + credential.value.bytes
        + Array("\npassword_expiry_utc=\(expiry)\n".utf8)
}

/// A credential that was not accepted is refreshed by the agent that has given it.
private func forgetGitCredential(_ call: HelperCall) async throws -> HelperAnswer {
    let asked = try GitAttributes(try call.input(), call)
    guard let password = asked["password"] else { return HelperAnswer() }
    let account = try call.account()
    try call.check(try asked.place(call), for: account)
    try await runningAgents(call.invocation).refresh(account, holding: Secret(password))
    return HelperAnswer()
}
