package import Federation
package import Kernel
import Outputs
import Text

/// Finds and reads account files.
package enum AccountFiles {
    /// A file that is no usable account: exit code 66 where it cannot be read, else 78.
    package struct Problem: Error, Sendable {
        package let path: String
        package let failure: Failure
        package let isUnreadable: Bool

        package init(path: String, failure: Failure, isUnreadable: Bool) {
            self.path = path
            self.failure = failure
            self.isUnreadable = isUnreadable
        }

        package var exitCode: Int32 { isUnreadable ? 66 : failure.exitCode }
    }

    /// Reads and parses one file. As root, one that somebody else could change is refused; for another
    /// user that is a warning of the account's.
    ///
    /// - Parameter environment: what may supply values that the file leaves out.
    /// - Throws: ``Problem``.
    package static func load(
        _ path: String,
        environment: [String: String] = [:]
    ) throws(Problem) -> Account {
        let account = try parsed(try read(path), path, environment)
        do throws(OutputError) {
            let protected = ProtectedPlaces(of: account)
            for output in account.configuredOutputs { try output.check(against: protected) }
        } catch {
            let failure = Failure(
                .misconfigured,
                at: .account,
                "account file \(path.printable): \(error.failure.message)",
                hint: error.hint?.printable
            )
            throw Problem(path: path, failure: failure, isUnreadable: false)
        }
        guard effectiveUserID() != 0, let objection = objection(to: path) else { return account }
        return account.warning(
            "others can change the account file, which chooses hosts and programs: \(objection)"
        )
    }

    private static func parsed(
        _ document: Secret,
        _ path: String,
        _ environment: [String: String]
    ) throws(Problem) -> Account {
        do throws(AccountError) {
            return try Account(parsing: document, path: path, environment: environment)
        } catch {
            throw Problem(path: path, failure: error.failure, isUnreadable: false)
        }
    }

    /// The paths of the `.json` files of a directory.
    /// - Throws: ``Problem``.
    package static func list(_ directory: String) throws(Problem) -> [String] {
        do throws(Errno) {
            return try listDirectory(directory).filter {
                $0.hasSuffix(".json") && !$0.hasPrefix(".")
            }
            .map { directory.hasSuffix("/") ? directory + $0 : "\(directory)/\($0)" }
        } catch {
            throw unreadable(
                directory,
                "account directory \(directory.printable): \(error)",
                error,
                hint: error == .notFound
                    ? "name an account file with -c FILE, or make the directory and put one there:"
                        + " install -d \(directory.printable)" : nil
            )
        }
    }

    /// The file's bytes, checked as ``load(_:environment:)`` does.
    /// - Throws: ``Problem``.
    package static func read(_ path: String) throws(Problem) -> Secret {
        let name = "account file \(path.printable)"
        // As root what is read is what was looked at, not where a link leads by then.
        let checked = effectiveUserID() == 0 ? try trusted(path, name) : nil
        do throws(ReadFileError) {
            guard let checked else { return try readFile(path, limit: Account.maximalSize) }
            return try readFile(checked, limit: Account.maximalSize)
        } catch {
            throw problem(path, name, error)
        }
    }

    private static func trusted(_ path: String, _ name: String) throws(Problem) -> FileDescriptor {
        do throws(PathError) {
            return try openTrusted(resolvedPath(path), owners: [0], isRegular: false)
        } catch {
            if let reason = error.reason {
                throw unreadable(path, "\(name): \(reason)", reason)
            }
            let failure = Failure(
                .misconfigured,
                at: .account,
                "\(name): others than root can change it: \(error.description.printable)",
                hint: (error.hint ?? "chown root \(error.path)").printable
                    + "; an account file chooses hosts and programs"
            )
            throw Problem(path: path, failure: failure, isUnreadable: false)
        }
    }

    /// Why others than this user and root could change the file; `nil` where they could not.
    private static func objection(to path: String) -> String? {
        do throws(PathError) {
            _ = try openTrusted(resolvedPath(path), owners: [effectiveUserID()])
            return nil
        } catch {
            return error.reason == nil ? error.description.printable : nil
        }
    }

    private static func problem(_ path: String, _ name: String, _ error: ReadFileError) -> Problem {
        switch error {
        case .system(let reason): return unreadable(path, "\(name): \(reason)", reason)
        case .notRegular, .notPrivate:
            return unreadable(path, "\(name): is not a regular file", hint: kindHint(path))
        case .tooLarge:
            let message = "\(name): is over \(Account.maximalSize) bytes"
            return Problem(
                path: path,
                failure: Failure(.misconfigured, at: .account, message),
                isUnreadable: false
            )
        }
    }

    private static func unreadable(
        _ path: String,
        _ message: String,
        _ reason: Errno? = nil,
        hint: String? = nil
    ) -> Problem {
        Problem(
            path: path,
            failure: Failure(
                Failure.Class(of: reason),
                at: .account,
                message,
                hint: hint ?? reason?.limitHint ?? reason.flatMap { advice(path, $0) }
            ),
            isUnreadable: reason?.isPassing != true
        )
    }

    /// What keeps this user from the file. The service's own user is let in by the group of the file.
    private static func advice(_ path: String, _ reason: Errno) -> String? {
        guard let advice = pathAdvice(path, reason)?.printable else { return nil }
        let isServices = path.hasPrefix(ProtectedPlaces.accountDirectory + "/")
        guard isServices, reason == .noAccess else { return advice }
        return
            "\(advice); for the service: chown root:wif-agent FILE, chmod 0640 FILE, and 0750 for its"
            + " directory; or run this as root"
    }

    private static func kindHint(_ path: String) -> String {
        do throws(Errno) {
            let names = try listDirectory(path).filter { $0.hasSuffix(".json") }
            guard let first = names.first else {
                return "it is a directory without a .json file: name an account file with -c FILE"
            }
            return
                "it is a directory: name a file in it, as \("\(path)/\(first)".printable), with -c; run"
                + " and check take all of them by --config-dir"
        } catch {
            return "name the account file itself with -c FILE, no device, pipe or directory"
        }
    }

    /// What is said of such names where a directory has no account file, after the sentence, and what to do;
    /// `nil` where there are none.
    package static func notePassedOver(in directory: String) -> (text: String, hint: String)? {
        let names = passedOver(in: directory).map(\.printable)
        guard !names.isEmpty else { return nil }
        return (
            "; \(names.joined(separator: ", ")) there is not read",
            "only names that end in .json and begin with no dot are read: rename it to NAME.json"
        )
    }

    /// The names in a directory that look as if they were meant for account files, and are not read.
    private static func passedOver(in directory: String) -> [String] {
        do throws(Errno) {
            let ends = [
                ".json.bak", ".json.orig", ".json~", ".json.disabled", ".json.txt", ".json.example",
                ".conf", ".yaml", ".yml", ".JSON", ".json5", ".jsonc", ".toml", ".json.tmpl",
                ".json.rpmsave", ".json.rpmnew", ".json.dpkg-dist", ".json.dpkg-old",
            ]
            return try listDirectory(directory).filter { name in
                ends.contains { name.hasSuffix($0) }
                    || (name.hasPrefix(".") && name.hasSuffix(".json"))
            }
        } catch {
            return []
        }
    }
}
