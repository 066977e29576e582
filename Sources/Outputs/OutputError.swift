package import Federation
package import Kernel
import Text

/// A credential that could not be delivered: to which output, at which step, and why.
package struct OutputError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where it was to be delivered.
    package let path: String
    /// What went wrong: lower case, the file or directory at fault first.
    package let problem: String
    /// The failed call's reason; `nil` where a rule refused.
    package let reason: Errno?
    package let hint: String?

    package init(_ path: String, _ problem: String, reason: Errno? = nil, hint: String? = nil) {
        self.path = path
        self.problem = problem
        self.reason = reason
        self.hint = hint
    }

    /// What Kernel found about the output's path, or about a directory on it.
    init(_ path: String, _ error: PathError) {
        self.path = path
        self.problem = error.path == path ? error.problem : error.description
        self.reason = error.reason
        self.hint =
            error.stranger.map { Self.strangerHint($0, path) } ?? error.hint
            ?? Self.accessHint(path, error.reason) ?? error.reason?.hint
    }

    /// For a path on which this process may not go on.
    private static func accessHint(_ path: String, _ reason: Errno?) -> String? {
        guard reason == .noAccess || reason == .notPermitted else { return nil }
        let user = FileUser.current()
        let who = userDescription(user.id)
        guard let (place, facts) = user.closedDirectory(above: path) else {
            return
                "\(who), as whom this runs, may not do this there: namei -l \(path) shows whose each folder is; give that"
                + " user the right, or choose a path below /run/wif-agent, which is the agent's own"
        }
        return
            "\(who), as whom this runs, may not enter \(place) (mode \(facts.modeText), owner"
            + " \(userDescription(facts.owner))): chmod o+x \(place), or choose a path below /run/wif-agent, which is the"
            + " agent's own"
    }

    private static func strangerHint(_ owner: String, _ path: String) -> String {
        let name = splitPath(path).name
        return
            "if the credential is for \(owner), write \"owner\": \"\(owner)\" in this output; else put it where"
            + " only root can change directories, such as /run/wif-agent/\(name)"
    }

    package var description: String {
        let message = "output \(path.printable): \(problem.printable)"
        return if let hint { "\(message)\nhint: \(hint.printable)" } else { message }
    }

    /// The error as the failure that the rest of the program passes on: transient if space, the
    /// device or a resource was wanting, else misconfigured.
    package var failure: Failure {
        Failure(
            Failure.Class(of: reason),
            at: .output,
            "output \(path.printable): \(problem.printable)",
            hint: hint?.printable
        )
    }
}

extension Format {
    /// The credential in this format.
    /// - Throws: ``OutputError`` with the account's name for the path, where the format is not for this
    ///   kind of credential.
    package func rendered(
        _ credential: Credential,
        for account: Account,
        template: Template? = nil
    ) throws(OutputError) -> Rendered {
        do throws(FormatError) {
            return try render(credential, for: account, template: template)
        } catch {
            throw OutputError(account.name, error.problem, hint: error.hint)
        }
    }
}

extension Errno {
    fileprivate var hint: String? {
        switch self {
        case .noSpace, .quota: "make room on the file system"
        case .readOnly: readOnlyHint
        case .notPermitted, .noAccess:
            "the user as whom this runs may not do this there: give that user the right, or choose a path below"
                + " /run/wif-agent, which is the agent's own"
        case .notDirectory:
            "a file stands there, where the path needs a directory: move it away, or choose another path"
        case .busy: mountPointHint
        default: limitHint
        }
    }
}

/// What to do about a file that something is mounted on, as docker run -v FILE:FILE does: it can be written,
/// and never replaced.
let mountPointHint =
    "the file itself is a mount, which cannot be replaced: mount the directory that holds it (docker run -v"
    + " DIRECTORY:DIRECTORY, in a pod a volume without subPath), or choose another path"

/// What to do about a file system that takes no writes: where it is mounted so cannot be told from here.
let readOnlyHint =
    "in a container, mount a volume that can be written there (an emptyDir with medium: Memory, docker run"
    + " --tmpfs DIRECTORY), or write below one that is; under systemd, add the directory to ReadWritePaths= of the"
    + " unit; findmnt -T DIRECTORY shows what is mounted"
