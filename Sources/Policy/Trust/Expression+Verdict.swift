import Federation
package import Text

extension Expression {
    /// What the service will make of the condition over a token's claims.
    package func verdict(on evaluation: Evaluation, claims: JSON) -> Verdict {
        let isAudienceList = dialect == .bright && claims["aud"]?.array != nil && reads("aud")
        let list = "Bright's page does not say how aud is compared where it is a list"
        switch evaluation.result {
        case .holds:
            if isAudienceList { return .cannotBeTold(why: list) }
            return remarks.first.map { .cannotBeTold(why: $0) } ?? .accepted
        case .fails, .error:
            // Refused for another part, or for that one alone?
            let parts = evaluation.trace.filter { $0.level == 1 && $0.outcome != .value("true") }
            let isOpen = isAudienceList && parts.allSatisfy { $0.source.contains("aud") }
            return isOpen ? .cannotBeTold(why: list) : .refused
        }
    }

    private func reads(_ name: String) -> Bool {
        var isRead = false
        root.forEach { node in
            if case .name(name) = node.kind { isRead = true }
        }
        return isRead
    }
}
