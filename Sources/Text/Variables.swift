extension [String: String] {
    /// The value of an environment variable, trimmed; `nil` where it is unset or blank.
    package func variable(_ name: String) -> String? {
        guard let value = self[name]?.trimmed, !value.isEmpty else { return nil }
        return value
    }
}
