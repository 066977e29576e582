internal import Platform

/// Where the worker's program is: beside the running program, else in `/usr/libexec/wif-agent`.
package struct WorkerProgram: Sendable {
    private static let name = "wif-exchange"

    private let beside: String?

    /// Notes where the running program is; once that file is replaced, nothing tells any more.
    package init() {
        do throws(Errno) {
            let folders = try realPath("/proc/self/exe").split(separator: "/").dropLast()
            beside = folders.map { "/" + $0 }.joined() + "/" + Self.name
        } catch {
            // Not to be had: the other place is what is left.
            beside = nil
        }
    }

    init(beside: String?) {
        self.beside = beside
    }

    /// The path as things are now: an installation may put the program there while the agent runs.
    package var path: String {
        do throws(Errno) {
            if let beside, try FileFacts(at: beside).kind == .regular { return beside }
        } catch {
            // Not there: the other place is what is left.
        }
        return "/usr/libexec/wif-agent/" + Self.name
    }
}
