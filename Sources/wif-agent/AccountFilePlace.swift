import Federation
import Platform

/// Where a new account file goes.
struct AccountFilePlace {
    /// `nil`: standard output.
    private let path: String?

    /// - Throws: where something is there already, before anything has been done elsewhere.
    init(_ invocation: Invocation) throws {
        let out = try invocation.required("out")
        path = out == "-" ? nil : AccountChoice.absolute(out)
        guard let path else { return }
        do throws(Errno) {
            _ = try FileFacts(at: path)
        } catch {
            return
        }
        throw CommandFailure(Self.taken(path))
    }

    private static func taken(_ path: String) -> Failure {
        Failure(
            .misconfigured,
            at: .output,
            "\(path.printable) is there already, and is not overwritten",
            hint: "name another file with --out"
        )
    }

    /// Writes the file, 0600, whole or not at all. Where it cannot be written any more it is printed: what
    /// it belongs to has been made.
    func write(_ config: JSON) throws {
        let bytes = config.serialized(indented: true) + [UInt8(ascii: "\n")]
        guard let path else { return try emit(bytes) }
        do throws(PathError) {
            try makeFile(at: path, with: bytes, mode: 0o600)
            writeToStandardError("wrote \(path.printable)\n")
        } catch {
            try emit(bytes)
            throw CommandFailure(
                Failure(
                    .misconfigured,
                    at: .output,
                    "\(error); the identity provider was made, its account file is printed above",
                    hint: error.hint
                )
            )
        }
    }
}
