import Kernel
import Text

/// What the options of several platforms have in common.
extension KeyedValues {
    /// Seconds that a minted token is to live. Without the option it is 600: enough for every service's
    /// checks, and the shortest that Kubernetes mints.
    mutating func mintedLifetime(from least: Double) throws(AccountError) -> Int {
        Int(try number("lifetime", in: least...86_400) ?? 600)
    }

    /// The name of an environment variable.
    mutating func variableName(_ key: String) throws(AccountError) -> String? {
        guard let name = try text(key) else { return nil }
        guard isVariableName(name) else {
            let bare = name.filter { !"${} \"'".contains($0) }
            let isReference = bare != name && isVariableName(bare)
            throw error(
                key,
                "\"\(name.printable)\" is not a name that a variable can have",
                hint: isReference
                    ? "the variable's name is wanted, and not a reference to it: write"
                        + " \"\(key)\": \"\(bare.printable)\""
                    : "write the variable's name: letters, digits and _, such as WIF_ID_TOKEN"
            )
        }
        return name
    }
}

/// Whether a text can be the name of an environment variable.
func isVariableName(_ text: String) -> Bool {
    text.first?.isNumber == false
        && text.isAlphanumeric(or: "_")
}
