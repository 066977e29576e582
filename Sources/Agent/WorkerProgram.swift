internal import Platform

/// Where the worker's program is: beside the running program, else in `/usr/libexec/wif-agent`.
package func workerProgram() -> String {
    let name = "wif-exchange"
    do throws(Errno) {
        let own = try realPath("/proc/self/exe")
        let beside = own.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/" + name
        if try FileFacts(at: beside).kind == .regular { return beside }
    } catch {
        // Not there: the other place is what is left.
    }
    return "/usr/libexec/wif-agent/" + name
}
