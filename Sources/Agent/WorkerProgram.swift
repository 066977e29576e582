import Federation
import Kernel

/// Where the worker's program is: beside the running program, else in `libexec/wif-agent` beside the folder
/// of that, as in an archive unpacked anywhere, else in `/usr/libexec/wif-agent`.
package struct WorkerProgram: Sendable {
    private let candidates: [String]

    /// Notes where the running program is; once that file is replaced, nothing tells any more.
    package init() {
        do throws(Errno) {
            let folder = splitPath(try realPath("/proc/self/exe")).directory
            self.init(candidates: workerPrograms(besides: folder))
        } catch {
            // Not to be had: the standard place is what is left.
            self.init(candidates: workerPrograms(besides: nil))
        }
    }

    /// - Parameter candidates: not empty; the last is named where none is there.
    init(candidates: [String]) {
        self.candidates = candidates
    }

    /// The path as things are now: an installation may put the program there while the agent runs.
    package var path: String {
        candidates.dropLast().first(where: isRegularFile(at:)) ?? candidates[candidates.count - 1]
    }
}
