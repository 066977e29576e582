/// What a service will make of a token, or of one part of it, as far as the service's own pages tell.
package enum Verdict: Equatable, Sendable {
    case accepted
    case refused
    /// The pages leave it open, or it shows at the service alone; `why` says which, in words that
    /// follow a colon.
    case cannotBeTold(why: String)

    /// As `claims --json` writes it.
    package var word: String {
        switch self {
        case .accepted: "accepted"
        case .refused: "refused"
        case .cannotBeTold: "cannot be told here"
        }
    }

    /// What keeps the verdict from being told; `nil` where it can be.
    package var reason: String? {
        if case .cannotBeTold(let why) = self { why } else { nil }
    }

    /// The verdict on a whole, of which every part must be accepted.
    package static func whole(_ parts: [Verdict]) -> Verdict {
        if parts.contains(.refused) { return .refused }
        return parts.first { $0.reason != nil } ?? .accepted
    }
}
