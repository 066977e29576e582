import Federation
import Kernel
import Text

/// Where a new account file goes.
struct AccountFilePlace {
    /// Where the packaged units look.
    static let standard = AccountChoice.standardDirectory + "/mondoo.json"

    /// `nil`: standard output.
    private let path: String?
    /// The group of the packaged units, which must read the file, where it goes to their directory.
    private let group: UInt32?

    /// - Throws: where something is there already, or the directory is not, before anything has been done
    ///   elsewhere.
    init(_ out: String) throws {
        guard out != "-" else {
            (path, group) = (nil, nil)
            return
        }
        let path = AccountChoice.absolute(out)
        let isStandard = AccountChoice.isStandard(path)
        group = isStandard && effectiveUserID() == 0 ? groupID(of: "wif-agent") : nil
        self.path = path
        if FileFacts(ifAt: path) != nil { throw CommandFailure(Self.taken(path)) }
    }

    private static func taken(_ path: String) -> Failure {
        Failure(
            .misconfigured,
            at: .output,
            "\(path.printable) is there already, and is not overwritten",
            hint: "name another file with --out"
        )
    }

    /// Writes the file whole or not at all: 0640 for the units' group in their directory, else 0600, and
    /// says what to do next. Where it cannot be written any more it is printed: what it belongs to has been
    /// made.
    func write(_ config: JSON) throws {
        let bytes = config.serialized(indented: true) + [UInt8(ascii: "\n")]
        guard let path else { return try emit(bytes) }
        do throws(PathError) {
            try makeFile(at: path, with: bytes, mode: group == nil ? 0o600 : 0o640, group: group)
        } catch {
            try emit(bytes)
            throw CommandFailure(
                Failure(
                    .misconfigured,
                    at: .output,
                    "\(error); the identity provider is there, its account file is printed above",
                    hint: error.hint ?? "wif-agent provider get MRN --out FILE writes it again"
                )
            )
        }
        let mode = group == nil ? "0600" : "0640, for the group wif-agent"
        writeToStandardError("wrote \(path.printable), \(mode)\nnext: \(next(path))\n")
    }

    private func next(_ path: String) -> String {
        group == nil
            ? "wif-agent doctor -c \(path.printable); an agent of another user needs to read the file,"
                + " too"
            : "wif-agent doctor -c \(path.printable), then systemctl enable --now wif-agent, or"
                + " systemctl reload wif-agent where it runs"
    }
}
