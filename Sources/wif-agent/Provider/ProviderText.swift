import Federation
import Text

/// Identity providers for people.
enum ProviderText {
    static func table(_ bindings: [JSON], _ style: TextStyle) -> String {
        guard !bindings.isEmpty else { return "no identity providers\n" }
        let titles = ["NAME", "ISSUER", "SUBJECT", "ROLES", "LIVES", "LAST USED", "MRN"]
        let rows = [titles] + bindings.map(row)
        let widths = titles.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.enumerated().map { index, row in
            let cells = zip(row, widths).map { text, width in
                (index == 0 ? style(text, .heading) : text)
                    + String(repeating: " ", count: width - text.count)
            }
            return cells.joined(separator: "  ").trimmed + "\n"
        }.joined()
    }

    private static func row(_ binding: JSON) -> [String] {
        let lifetime = binding["expiration"]?.lenientNumber.map { "\(Int64(exactly: $0) ?? 0) s" }
        return [
            binding.shown("name"), binding.shown("issuerUri"), binding.shown("subject"),
            roles(binding), lifetime ?? "-", binding["lastUsed"]?.string?.printable ?? "never",
            binding.shown("mrn"),
        ]
    }

    private static func roles(_ binding: JSON) -> String {
        (binding["roles"]?.array ?? []).compactMap(\.string).map { role in
            String(role.split(separator: "/").last ?? "").printable
        }.joined(separator: ",")
    }

    static func details(_ binding: JSON) -> String {
        var rows: [(String, String)] = [
            "mrn", "name", "description", "scope", "issuerUri", "subject",
        ].map { ($0, binding.shown($0)) }
        for mapping in binding["mappings"]?.array ?? [] {
            rows.append(("mapping", "\(mapping.shown("key")) = \(mapping.shown("value"))"))
        }
        for audience in binding["allowedAudiences"]?.array ?? [] {
            rows.append(("audience", audience.string?.printable ?? ""))
        }
        rows.append(("roles", roles(binding)))
        let lifetime = binding["expiration"]?.lenientNumber.map { "\(Int64(exactly: $0) ?? 0) s" }
        rows.append(("expiration", lifetime ?? "-"))
        rows.append(("createdAt", binding.shown("createdAt")))
        rows.append(("lastUsed", binding["lastUsed"]?.string?.printable ?? "never"))
        return rows.filter { !$0.1.isEmpty }.map { title, value in
            title + String(repeating: " ", count: 13 - title.count) + value + "\n"
        }.joined()
    }
}

extension JSON {
    /// A member's text, fit for a terminal.
    fileprivate func shown(_ key: String) -> String { self[key]?.string?.printable ?? "" }
}
