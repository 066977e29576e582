import Text

/// The rules for an account's name: the account file's base name without `.json`.
package enum AccountName {
    /// Names that paths in the runtime directory need for themselves.
    package static let reserved = ["control", "exchange", "listen", "state"]

    /// The name of the account in the file at `path`.
    /// - Throws: ``AccountError`` for one that is reserved or not `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
    package static func ofFile(at path: String) throws(AccountError) -> String {
        var name = String(path.split(separator: "/").last ?? "")
        if name.hasSuffix(".json") { name.removeLast(5) }
        if reserved.contains(name) {
            throw AccountError(
                "account file \(path.printable): the name \"\(name)\" is reserved",
                hint: "rename the file; its base name is the account's name"
            )
        }
        guard isValid(name) else {
            throw AccountError(
                "account file \(path.printable): \"\(name.printable)\" cannot be an account's name",
                hint: "rename the file: letters, digits, '.', '_' and '-', at most 64, the first a"
                    + " letter or digit"
            )
        }
        return name
    }

    /// Whether it is `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
    package static func isValid(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
        return isAlphanumeric(first)
            && name.utf8.allSatisfy { isAlphanumeric($0) || ".-_".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}

/// The rules for a variable that env formats may set.
package enum VariableName {
    /// Whether it is `[A-Za-z_][A-Za-z0-9_]*`, and none that would change how a shell or program runs.
    package static func isSafe(_ name: String) -> Bool {
        guard isName(name) else { return false }
        let upper = name.uppercased()
        return !reserved.contains(upper) && !prefixes.contains { upper.hasPrefix($0) }
    }

    private static let reserved = ["PATH", "IFS", "ENV", "BASH_ENV", "NODE_OPTIONS"]
    private static let prefixes = ["LD_", "GITHUB_", "RUNNER_", "WIF_AGENT_"]

    /// Why a name is not safe; a sentence.
    static func objection(to name: String) -> String {
        let upper = name.uppercased()
        if let prefix = prefixes.first(where: { upper.hasPrefix($0) }) {
            return
                "\"\(name.printable)\" begins with \(prefix), and such variables are not set: they change how a job or"
                + " program runs"
        }
        if reserved.contains(upper) {
            return "\"\(name.printable)\" changes how programs run, and is not set"
        }
        return
            "\"\(name.printable)\" is no variable's name: it has other characters than letters, digits and '_'"
    }

    /// A name that is safe, by the one that was meant.
    static func suggestion(for name: String) -> String {
        let upper = name.uppercased()
        // What gh and others read, too.
        if upper == "GITHUB_TOKEN" { return "GH_TOKEN" }
        let rest = prefixes.first { upper.hasPrefix($0) }.map { String(name.dropFirst($0.count)) }
        let letters = (rest ?? name).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        let text = String(letters)
        let candidate = text.first?.isNumber ?? true ? "TOKEN_\(text)" : text
        return isSafe(candidate) && candidate.count > 2 ? candidate : "ACCESS_TOKEN"
    }

    /// Whether it is `[A-Za-z_][A-Za-z0-9_]*`.
    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !first.isDigit else { return false }
        return name.utf8.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "_") }
    }
}
