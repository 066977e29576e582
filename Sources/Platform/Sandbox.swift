internal import CLinux
import Glibc

/// The powers that a worker gives up for good, in synchronous `main` before any other thread exists:
/// some of them are a thread's own and would not reach those that are there already.
package enum Sandbox {
    /// Which powers go.
    package enum Extent: Sendable {
        /// No writing of files, by limit and by Landlock; no capabilities but to read files.
        case network
        /// As a program that may start others: these need files.
        case programs
    }

    /// Seconds of processor time, far more than the 256 jobs of a worker's life take.
    private static let processorSeconds: rlim_t = 120
    /// Bytes of address space; threads reserve far more of it than they use.
    private static let addressSpace: rlim_t = 8 << 30

    /// Enters it; what the kernel does not offer is left out.
    /// - Throws: ``Errno`` where the kernel offers something and refuses it.
    package static func enter(_ extent: Extent) throws(Errno) {
        hardenProcess()
        forgetEnvironment()
        ignoreSignal(SIGPIPE)
        ignoreSignal(SIGXFSZ)
        try systemCall { wif_set_no_new_privileges() }
        try limit(RLIMIT_CORE, to: 0)
        try limit(RLIMIT_CPU, to: processorSeconds)
        // A sanitizer's shadow memory takes up terabytes of addresses.
        if !isSanitized { try limit(RLIMIT_AS, to: addressSpace) }
        guard extent == .network else { return }
        try keepOnly(.worker)
        // The limit is on the process's regular files, of which its output may be one.
        if !isRegularFile(STDOUT_FILENO), !isRegularFile(STDERR_FILENO) {
            try limit(RLIMIT_FSIZE, to: 0)
        }
        try systemCall { wif_landlock_forbid_writing() }
    }

    /// Libraries read variables behind our back: `SSLKEYLOGFILE` has libcurl write session keys,
    /// `OPENSSL_CONF` has OpenSSL load modules. What a job needs stands in the job.
    private static func forgetEnvironment() {
        let path = processEnvironment()["PATH"]
        clearenv()
        if let path { unsafe setenv("PATH", path, 1) }
    }

    private static func limit(_ resource: __rlimit_resource, to value: rlim_t) throws(Errno) {
        var present = rlimit()
        let number = __rlimit_resource_t(resource.rawValue)
        try systemCall { unsafe getrlimit(number, &present) }
        let lower = min(value, present.rlim_max)
        var limit = rlimit(rlim_cur: lower, rlim_max: lower)
        try systemCall { unsafe setrlimit(number, &limit) }
    }

    private static var isSanitized: Bool {
        unsafe dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
    }
}
