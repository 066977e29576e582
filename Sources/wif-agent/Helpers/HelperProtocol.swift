/// The programs whose credential-helper protocol is spoken. All that is known of one stands in its own
/// file beside this one; this is the list from which the rest is derived.
enum HelperProtocol: String, CaseIterable {
    case git, docker, kubectl, aws, google, bazel

    var facts: HelperFacts {
        switch self {
        case .git: .git
        case .docker: .docker
        case .kubectl: .kubectl
        case .aws: .aws
        case .google: .google
        case .bazel: .bazel
        }
    }
}

/// Everything that is known of one helper protocol.
struct HelperFacts: Sendable {
    /// What the program asks for, as the word behind the helper's name; empty where it asks for one thing.
    var actions: [String] = []
    /// Answers one question.
    /// - Throws: ``CommandFailure``, ``UsageError``.
    let answer: @Sendable (HelperCall) async throws -> HelperAnswer
    /// How the program is told that there is no answer, beside standard error and the exit code.
    var refusal: @Sendable (String) -> [UInt8] = { _ in [] }
}

/// What is printed for the program that asked.
struct HelperAnswer {
    /// Secret; for standard output.
    var output: [UInt8] = []
    /// The exit code.
    var status: Int32 = 0
}
