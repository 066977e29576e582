/// Something in the file system that cannot be used: which path, what was found, what would help.
package struct PathError: Error, Equatable, Sendable, CustomStringConvertible {
    package let path: String
    /// What is wrong with it, to be read after the path: "is writable by others (mode 0777)".
    package let problem: String
    /// The failed call's reason; `nil` where a rule refused the path.
    package let reason: Errno?
    package let hint: String?
    /// Whose it is, where that is what a rule refuses: a name, or a number without one.
    package let stranger: String?

    /// A path that a rule refuses.
    package init(_ path: String, _ problem: String, hint: String? = nil, stranger: String? = nil) {
        self.stranger = stranger
        self.path = path
        self.problem = problem
        self.reason = nil
        self.hint = hint
    }

    /// A call that failed while doing `step` ("cannot be renamed").
    package init(_ path: String, _ step: String, _ reason: Errno, hint: String? = nil) {
        self.stranger = nil
        self.path = path
        self.problem = "\(step): \(reason)"
        self.reason = reason
        self.hint = hint
    }

    package var description: String { "\(path) \(problem)" }
}

/// Runs system calls whose failure is told of a path.
func about<Value: ~Copyable>(
    _ path: @autoclosure () -> String,
    _ problem: String,
    _ calls: () throws(Errno) -> Value
) throws(PathError) -> Value {
    do throws(Errno) {
        return try calls()
    } catch {
        throw PathError(path(), problem, error)
    }
}
