package import Federation
package import Platform

/// Finds and reads account files.
package enum AccountFiles {
    /// A file that is no usable account: exit code 66 where it cannot be read, else 78.
    package struct Problem: Error, Sendable {
        package let path: String
        package let failure: Failure
        package let isUnreadable: Bool

        package var exitCode: Int32 { isUnreadable ? 66 : failure.exitCode }
    }

    /// Reads and parses one file. As root, one that somebody else could change is refused.
    ///
    /// - Parameter environment: what may supply values that the file leaves out.
    /// - Throws: ``Problem``.
    package static func load(
        _ path: String,
        environment: [String: String] = [:]
    ) throws(Problem) -> Account {
        let document = try read(path)
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
            throw unreadable(directory, "account directory \(directory.printable): \(error)")
        }
    }

    /// The file's bytes, checked as ``load(_:)`` does.
    /// - Throws: ``Problem``.
    package static func read(_ path: String) throws(Problem) -> Secret {
        let name = "account file \(path.printable)"
        // As root what is read is what was looked at, not where a link leads by then.
        let isRoot = effectiveUser == 0
        let place = isRoot ? try resolved(path, name) : path
        if isRoot, let place = try foreignHand(on: place, name) {
            let failure = Failure(
                .misconfigured,
                at: .account,
                "\(name): others than root can change \(place.printable)",
                hint: "an account file chooses hosts and programs: chown it to root, chmod go-w"
            )
            throw Problem(path: path, failure: failure, isUnreadable: false)
        }
        do throws(ReadFileError) {
            return try readFile(place, limit: Account.maximalSize, followsLinks: !isRoot)
        } catch {
            throw problem(path, name, error)
        }
    }

    private static func foreignHand(
        on path: String,
        _ name: String
    ) throws(Problem) -> String? {
        do throws(Errno) {
            return try firstForeignHand(on: path)
        } catch {
            throw unreadable(path, "\(name): \(error)")
        }
    }

    private static func resolved(_ path: String, _ name: String) throws(Problem) -> String {
        do throws(Errno) {
            return try realPath(path)
        } catch {
            throw unreadable(path, "\(name): \(error)")
        }
    }

    private static func problem(_ path: String, _ name: String, _ error: ReadFileError) -> Problem {
        switch error {
        case .system(let reason): return unreadable(path, "\(name): \(reason)")
        case .notRegular, .notPrivate: return unreadable(path, "\(name): is not a regular file")
        case .tooLarge:
            let message = "\(name): is over \(Account.maximalSize) bytes"
            return Problem(
                path: path,
                failure: Failure(.misconfigured, at: .account, message),
                isUnreadable: false
            )
        }
    }

    private static func unreadable(_ path: String, _ message: String) -> Problem {
        Problem(
            path: path,
            failure: Failure(.misconfigured, at: .account, message),
            isUnreadable: true
        )
    }
}
