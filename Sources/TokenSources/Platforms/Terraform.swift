import Federation
import Text

/// The token of an HCP Terraform run's plan or apply phase.
struct Terraform: TokenFetcher {
    private static let variable = "TFC_WORKLOAD_IDENTITY_TOKEN"

    /// Which of several tokens.
    let tag: String?

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        let suffix = tag.map { "_\($0)" } ?? ""
        let others = context.environment.keys.filter { name in
            name.hasPrefix(Self.variable) && name != Self.variable + suffix
                && context.variable(name)?.hasPrefix("eyJ") == true
        }.sorted()
        if context.variable(Self.variable + suffix) == nil, let other = others.first {
            throw otherToken(other, suffix)
        }
        return try context.jobToken(
            in: [Self.variable + suffix],
            hint: "set TFC_WORKLOAD_IDENTITY_AUDIENCE\(suffix) in the workspace;"
                + " several tokens are told apart by credentialSource.tag"
        )
    }
    /// What is said where another of the workspace's tokens is there.
    private func otherToken(_ name: String, _ suffix: String) -> SourceError {
        let tag = String(name.dropFirst(Self.variable.count + 1)).printable
        return SourceError(
            .noSource,
            "the variable \(Self.variable)\(suffix) is not set, and \(name.printable) is",
            hint: tag.isEmpty
                ? "leave credentialSource.tag out, or set the workspace's variable"
                    + " TFC_WORKLOAD_IDENTITY_AUDIENCE\(suffix)"
                : "write \"credentialSource\": {\"provider\": \"terraform\", \"tag\": \"\(tag)\"}",
            isAbsent: true
        )
    }
}
