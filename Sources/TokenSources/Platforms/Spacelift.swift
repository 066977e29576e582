import Federation
import Kernel

/// The token of a Spacelift run: in a variable, and in a file of the workspace.
struct Spacelift: TokenFetcher {
    private static let variable = "SPACELIFT_OIDC_TOKEN"

    let path: String

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        do throws(SourceError) {
            return try context.jobToken(in: [Self.variable], hint: "")
        } catch let first {
            guard first.isAbsent else { throw first }
            do throws(SourceError) {
                let token = try TokenFile(path: path, format: .text).token()
                // Written once, at the run's start.
                return SubjectToken(token, source: context.source, isRenewable: false)
            } catch {
                var second = error.after(first)
                second.hint =
                    "Spacelift gives each run its token: run this in a run, and hand SPACELIFT_OIDC_TOKEN on into containers"
                second.isAbsent = true
                throw second
            }
        }
    }
}
