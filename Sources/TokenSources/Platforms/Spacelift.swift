internal import Federation
internal import Kernel

/// The token of a Spacelift run: in a variable, and in a file of the workspace.
struct Spacelift: TokenFetcher {
    static let name = TokenPlatform.spacelift.rawValue

    private static let variable = "SPACELIFT_OIDC_TOKEN"

    let path: String

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        do throws(SourceError) {
            return try JobToken(source: Self.name, variables: [Self.variable], hint: "")
                .subjectToken(context)
        } catch let first {
            guard first.isAbsent else { throw first }
            do throws(SourceError) {
                let token = try TokenFile(path: path, format: .text).subjectToken().value
                // Written once, at the run's start.
                return SubjectToken(token, source: Self.name, isRenewable: false)
            } catch var second {
                second.message = "\(first.message); \(second.message)"
                second.hint = "Spacelift gives each run its token; is this a run?"
                second.isAbsent = true
                throw second
            }
        }
    }
}
