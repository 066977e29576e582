internal import CLinux
import Glibc

/// Closes the side doors by which memory leaves a process: no core files, no tracing by the same
/// user, private files by default. First thing in `main`. `prctl(2)`, `setrlimit(2)`
package func hardenProcess() {
    _ = wif_set_dumpable(false)
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    umask(0o077)
}

/// The process's effective user. `geteuid(2)`
package var effectiveUser: UInt32 { geteuid() }

/// The environment as it is now; names without a value are left out. `environ(7)`
package func processEnvironment() -> [String: String] {
    var result: [String: String] = [:]
    var next = unsafe environ
    while let entry = unsafe next.pointee {
        let text = unsafe String(cString: entry)
        if let equals = text.firstIndex(of: "=") {
            result[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        unsafe next += 1
    }
    return result
}

/// The process's number. `getpid(2)`
package var processID: Int32 { getpid() }
