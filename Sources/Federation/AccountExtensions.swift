import Kernel

extension Account {
    /// The file's keys that the service's own pages do not have, as they are spelled there, sorted: those
    /// that this program adds. Empty for services whose pages have no such file.
    package var extensions: [String] {
        let documented = service.kind.facts.documentedKeys
        guard !documented.isEmpty else { return [] }
        return AccountIdentity.members(of: document.bytes).keys
            .filter { !documented.contains(KeyedValues.camelCase($0)) }.sorted()
    }
}
