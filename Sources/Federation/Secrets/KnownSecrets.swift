package import Kernel
import Synchronization
package import Text

/// Every secret that one job meets, so that none of them leaves in a text: the worker adds them as they
/// come, and cleans its result of them at the one place where results leave.
///
/// A secret counts up to ``sizeLimit`` bytes, all of them up to ``totalLimit``; the job's own come first,
/// so that no peer can push them out.
package final class KnownSecrets: Sendable {
    private struct State {
        var secrets: [Secret] = []
        var total = 0
    }

    private static let sizeLimit = 65_536
    private static let totalLimit = 1 << 20
    private static let countLimit = 512

    private let state = Mutex(State())

    package init() {}

    /// Adds a token, key or password. Of a document or a header's value it is what is secret in it: the
    /// members of an object that ``isSecretName(_:)`` tells, a PEM block without its frame, a header's
    /// credentials without their scheme.
    package func add(_ secret: Secret) {
        let text = secret.text.trimmed
        if text.hasPrefix("{") || text.hasPrefix("["), let json = parsed(secret.bytes) {
            return addMembers(of: json)
        }
        if text.hasPrefix("-----BEGIN") {
            let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }
            return keep(lines.joined())
        }
        if text.hasPrefix("AWS4-HMAC-SHA256") {
            return keep(text.parts(separatedBy: "Signature=").last.map(String.init) ?? "")
        }
        for word in text.split(separator: " ") where !Self.schemes.contains(word.lowercased()) {
            keep(String(word))
        }
        // A document in a text, as Mondoo gives its credential.
        if text.count >= 64, let bytes = base64Decoded(text), bytes.first == UInt8(ascii: "{"),
            let json = parsed(bytes)
        {
            addMembers(of: json)
        }
    }

    /// Adds a text as a whole, and each longer string of a document, whatever its name: a template may call
    /// a credential anything.
    package func addAll(of content: Secret) {
        add(content)
        keep(content.text.trimmed)
        if let json = parsed(content.bytes) { keepStrings(of: json) }
    }

    private func keepStrings(of json: JSON) {
        switch json {
        case .object(let members): for member in members.values { keepStrings(of: member) }
        case .array(let items): for item in items { keepStrings(of: item) }
        // Shorter ones are words, without which no message can be read.
        case .string(let text): if text.utf8.count >= 16 { keep(text) }
        case .integer, .number, .bool, .null: break
        }
    }

    /// Adds a text's token, key or password as ``add(_:)-(Secret)`` does.
    package func add(_ text: String) { add(Secret(text)) }

    /// Adds the strings whose names say that they are secret, however deep they stand.
    package func addMembers(of json: JSON) {
        switch json {
        case .object(let members):
            // A list of names and values, as AWS's and Mondoo's signed requests have their headers.
            if let name = members["key"]?.string, let value = members["value"]?.string {
                add(value, named: name)
            }
            for (name, value) in members {
                switch value {
                case .string(let text): add(text, named: name)
                case .array(let list) where isSecretName(name):
                    for element in list { element.string.map(add) }
                    addMembers(of: value)
                case .array, .object, .null, .bool, .integer, .number: addMembers(of: value)
                }
            }
        case .array(let elements): for element in elements { addMembers(of: element) }
        case .string, .null, .bool, .integer, .number: break
        }
    }

    /// Adds a named value if its name says that it is a secret.
    package func add(_ value: String, named name: String) {
        if isSecretName(name) || value.isJWT { add(value) }
    }

    /// Adds the user name and password in a proxy's URL: all before its last `@`, for an unescaped `/`
    /// may stand in them.
    package func addProxy(_ url: String) {
        guard let end = url.lastIndex(of: "@") else { return }
        let start = url.range(ofScheme: "://") ?? url.startIndex
        guard start < end else { return }
        let user = url[start..<end]
        let parts = user.split(separator: ":", maxSplits: 1).map(String.init)
        for part in parts.count > 1 ? [parts[1]] : parts {
            keep(part)
            keep(percentDecoded(part))
        }
        // As it goes out: Proxy-Authorization: Basic.
        keep(percentDecoded(String(user)))
    }

    private static let schemes: Set = ["bearer", "basic", "digest", "apikey", "api-key", "sas"]

    private func parsed(_ bytes: [UInt8]) -> JSON? {
        do throws(JSONError) { return try JSON(parsing: bytes) } catch { return nil }
    }

    private func keep(_ text: String) {
        let secret = Secret(Array(text.utf8.prefix(Self.sizeLimit)))
        guard secret.count >= 4 else { return }
        state.withLock { state in
            guard state.secrets.count < Self.countLimit,
                state.total + secret.count <= Self.totalLimit,
                !state.secrets.contains(where: { $0.isEqual(to: secret) })
            else { return }
            state.secrets.append(secret)
            state.total += secret.count
        }
    }

    // MARK: Words

    /// The texts without any of the secrets, whole, in pieces of eight characters and more, and encoded.
    package func cleaned(_ texts: [String]) -> [String] {
        let secrets = state.withLock(\.secrets)
        guard !secrets.isEmpty, texts.contains(where: { !$0.isEmpty }) else { return texts }
        var search = SecretSearch(texts)
        for secret in secrets { search.look(for: secret) }
        return search.cleaned()
    }
}

/// Whether what goes by the name, in a document, a form, a header or a variable, is a secret: `token`,
/// `SecretAccessKey`, `client_assertion`, `X-Amz-Security-Token`, and not `token_type`.
package func isSecretName(_ name: String) -> Bool {
    let word = name.lowercased().filter { $0.isLetter || $0.isNumber }
    return secretWords.contains { word.contains($0) }
        && !publicEndings.contains { word.hasSuffix($0) }
}

private let secretWords = [
    "token", "secret", "password", "passwd", "assertion", "authorization", "credential",
    "privatekey", "accesskey", "signature", "apikey", "identityheader", "jwt", "cookie", "saml",
]

private let publicEndings = [
    "type", "file", "url", "uri", "endpoint", "id", "lifetime", "expiration", "expiry", "format",
    "audience", "name", "path", "ttl", "seconds", "arn", "supported", "source", "timeout", "hint",
    "expiresin", "host", "issuer", "scope",
]

extension String {
    /// Whether it may be a compact JWS.
    fileprivate var isJWT: Bool { hasPrefix("eyJ") && filter { $0 == "." }.count == 2 }

    /// Where what follows the scheme's mark begins.
    fileprivate func range(ofScheme mark: String) -> Index? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(mark) { return self.index(index, offsetBy: mark.count) }
            formIndex(after: &index)
        }
        return nil
    }
}
