import Kernel
import Text

extension FormatFacts {
    /// Text of the account file's own, with the credential's values in their places.
    static let template = FormatFacts(
        wantsTemplate: true,
        render: { (input) throws(FormatError) in
            guard let template = input.template else {
                throw FormatError("a template is missing")
            }
            return Rendered(bytes: try template.filled(input))
        }
    )
}

/// Text with places for a credential's values, parsed and checked: what names there are is known before
/// there is a credential. There is no logic in it.
package struct Template: Equatable, Sendable {
    /// What stands in a place.
    enum Value: Equatable, Sendable {
        case credential
        case expiresAt
        /// A member of what the format `json` gives.
        case member(String)
        /// A variable that the env formats set.
        case variable(String)
    }

    /// How a value is written for whoever reads the text.
    enum Escape: String, CaseIterable, Sendable {
        /// As the inside of a JSON string.
        case json
        /// As one word of a POSIX shell, in quotes.
        case shell
        /// Percent-encoded. RFC 3986
        case url
        /// For an HTTP Basic header or a Docker `auth`. RFC 4648 section 4
        case base64
    }

    private enum Piece: Equatable, Sendable {
        case text(String)
        case place(Value, Escape?)
    }

    /// The names that a template may use.
    struct Names {
        let members: [String]
        let variables: [String]
    }

    private let pieces: [Piece]

    /// Parses `text {{NAME}} text {{NAME|ESCAPE}}`.
    /// - Throws: ``FormatError`` that names the place, what was found and what is known.
    init(parsing text: String, names: Names) throws(FormatError) {
        var pieces: [Piece] = []
        var rest = text[...]
        while let start = rest.firstRange(of: "{{") {
            pieces.append(.text(String(rest[..<start.lowerBound])))
            rest = rest[start.upperBound...]
            guard let end = rest.firstRange(of: "}}") else {
                throw FormatError("\"{{\(rest.prefix(20))\" has no }} behind it")
            }
            pieces.append(try Self.place(rest[..<end.lowerBound], names))
            rest = rest[end.upperBound...]
        }
        pieces.append(.text(String(rest)))
        self.pieces = pieces
        guard pieces.contains(where: { if case .place = $0 { true } else { false } }) else {
            throw FormatError(
                "holds nothing of the credential",
                hint: "write {{credential}} where it belongs"
            )
        }
    }

    private static func place(_ text: Substring, _ names: Names) throws(FormatError) -> Piece {
        let parts = text.split(separator: "|", omittingEmptySubsequences: false)
            .map(\.description.trimmed)
        guard parts.count <= 2 else {
            throw FormatError("{{\(text)}} has more than one escape")
        }
        let escape = try parts.dropFirst().first.map { (word) throws(FormatError) in
            guard let escape = Escape(rawValue: word) else {
                let known = Escape.allCases.map(\.rawValue)
                throw unknown("the escape \(word) of {{\(text)}}", word, known)
            }
            return escape
        }
        return .place(try value(parts[0], names), escape)
    }

    private static func value(_ name: String, _ names: Names) throws(FormatError) -> Value {
        switch name {
        case "credential": return .credential
        case "expires_at": return .expiresAt
        default: break
        }
        if name.hasPrefix("json.") {
            let member = String(name.dropFirst("json.".count))
            guard names.members.contains(member) else {
                throw unknown("{{\(name)}}", name, names.members.map { "json.\($0)" })
            }
            return .member(member)
        }
        if name.hasPrefix("env.") {
            let variable = String(name.dropFirst("env.".count))
            guard names.variables.contains(variable) else {
                throw unknown("{{\(name)}}", name, names.variables.map { "env.\($0)" })
            }
            return .variable(variable)
        }
        let known = ["credential", "expires_at", "json.MEMBER", "env.NAME"]
        throw unknown("{{\(name)}}", name, known)
    }

    private static func unknown(_ what: String, _ name: String, _ known: [String]) -> FormatError {
        FormatError(
            "\(what) is not known; one of \(known.joined(separator: ", "))",
            hint: nearest(to: name, among: known).map { "did you mean \($0)?" }
                ?? "write one of them, such as {{credential}}; wif-agent.json(5), Outputs, explains each"
        )
    }

    /// The text with a credential's values.
    /// - Throws: ``FormatError`` where the credential has no such member.
    fileprivate func filled(_ input: RenderedCredential) throws(FormatError) -> Secret {
        var bytes: [UInt8] = []
        defer { wipe(&bytes) }
        for piece in pieces {
            switch piece {
            case .text(let text): bytes += text.utf8
            case .place(let value, let escape):
                var found = try input.value(value)
                defer { wipe(&found) }
                bytes += escape?.applied(to: found) ?? found
            }
        }
        return Secret(bytes)
    }
}

extension Template.Escape {
    fileprivate func applied(to bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .json:
            let quoted = JSON.string(String(decoding: bytes, as: UTF8.self)).serialized()
            return Array(quoted.dropFirst().dropLast())
        case .shell: return shellQuoted(bytes)
        case .url: return Array(percentEncoded(String(decoding: bytes, as: UTF8.self)).utf8)
        case .base64: return Array(base64Encoded(bytes).utf8)
        }
    }
}

extension RenderedCredential {
    /// What stands in a place; secret.
    fileprivate func value(_ value: Template.Value) throws(FormatError) -> [UInt8] {
        switch value {
        case .credential: return credential.value.bytes
        case .expiresAt: return Array(rfc3339(credential.expiresAt).utf8)
        case .member(let name): return try member(name)
        case .variable(let name):
            let variables = environmentVariables(credential, account, named: variable)
            guard let found = variables.first(where: { $0.name == name }) else {
                throw FormatError("the credential has no variable \(name)")
            }
            return found.value
        }
    }

    private func member(_ name: String) throws(FormatError) -> [UInt8] {
        var bytes = try credential.document().bytes
        defer { wipe(&bytes) }
        let document: JSON
        do throws(JSONError) {
            document = try JSON(parsing: bytes)
        } catch {
            throw FormatError("the credential's document is not JSON")
        }
        guard let member = document[name], member != .null else {
            throw FormatError("the credential has no member \(name)")
        }
        return member.string.map { Array($0.utf8) } ?? member.serialized()
    }
}

extension Service {
    /// The names that a template for this service's credentials may use.
    ///
    /// - Parameter variable: the variable that env formats set.
    func templateNames(variable: String) -> Template.Names {
        let companions = companionVariables.map(\.name).filter { $0 != variable }
        return Template.Names(
            members: kind.facts.documentMembers,
            variables: (kind.facts.variableNames ?? [variable]) + companions
                + ["WIF_AGENT_EXPIRES_AT"]
        )
    }
}
