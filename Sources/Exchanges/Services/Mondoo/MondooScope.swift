import Federation
import Text

/// What a credential of Mondoo's says of where it is valid, held against what was asked for.
///
/// Compared are the collection and the id of each MRN (`spaces/my-space`): those of `scope_mrn` and
/// `space_mrn`, of `parent_mrn` where neither is there (the order in which cnspec reads them), and of the
/// service account's own `mrn`. Another id in the collection that was asked for is another customer's
/// space or organisation, and an error; where no member is of that collection, nothing can be compared,
/// which is a warning.
struct MondooScope {
    static let members = ["scope_mrn", "space_mrn", "parent_mrn"]

    private let asked: String

    init(asked: String) {
        self.asked = asked
    }

    /// What should be told of a document that can be used; `nil` where all is as asked.
    /// - Throws: ``ReplyError`` for one that names no scope, or another.
    func warning(on document: JSON) throws(ReplyError) -> String? {
        let named = Self.members.compactMap { key in text(key, document).map { (key, $0) } }
        guard let first = named.first else {
            throw ReplyError("the credential has none of \(Self.members.joined(separator: ", "))")
        }
        let scopes = first.0 == "parent_mrn" ? [first] : named.filter { $0.0 != "parent_mrn" }
        let own = text("mrn", document).map { [("mrn", $0)] } ?? []
        for (key, mrn) in scopes + own where contradicts(mrn) {
            throw ReplyError(
                "the credential's \(key) is \(mrn.printable), and the scope \(asked.printable) was"
                    + " asked for"
            )
        }
        if named.contains(where: { isAsked($0.1) }) { return nil }
        return "the credential is for \(first.1.printable) (\(first.0)), and"
            + " \(asked.printable) was asked for"
    }

    private func text(_ key: String, _ document: JSON) -> String? {
        document[key]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    private func isAsked(_ mrn: String) -> Bool {
        if mrn == asked { return true }
        guard let found = Place(mrn), let wanted = Place(asked) else { return false }
        return found == wanted
    }

    private func contradicts(_ mrn: String) -> Bool {
        guard let found = Place(mrn), let wanted = Place(asked) else { return false }
        return found.collection == wanted.collection && found.id != wanted.id
    }

    /// The first pair of an MRN's path: `//SERVICE/spaces/ID/…`.
    private struct Place: Equatable {
        let collection: Substring
        let id: Substring

        init?(_ mrn: String) {
            let parts = mrn.split(separator: "/")
            guard mrn.hasPrefix("//"), parts.count >= 3 else { return nil }
            (collection, id) = (parts[1], parts[2])
        }
    }
}
