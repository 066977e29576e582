import CLinux
import Glibc

/// What the process was started with and gave up for its own safety; a program that it stands for
/// gets it back.
package struct ProcessOrigin: Sendable {
    /// The file mode creation mask.
    let mask: UInt32
    let coreLimit: (soft: UInt64, hard: UInt64)
    /// Signals that were ignored, number n as bit n - 1.
    let ignored: UInt64
    /// Descriptors beyond standard error that were open, sockets handed over by systemd left out.
    let descriptors: [Int32]

    /// Whether the signal was ignored from the start, as under nohup(1).
    package func ignores(_ signal: Int32) -> Bool { ignored >> UInt64(signal - 1) & 1 == 1 }
}

/// Closes the side doors by which memory leaves a process: no core files, no tracing by the same
/// user, private files by default. First thing in `main`. `prctl(2)`, `setrlimit(2)`
///
/// Also sees to it that descriptors 0 to 2 are open, so that nothing else comes to stand there.
@discardableResult
package func hardenProcess() -> ProcessOrigin {
    let descriptors = inheritedDescriptors()
    var raw: Int32 = 0
    while raw >= 0, raw < 3 { raw = unsafe wif_openat(AT_FDCWD, "/dev/null", O_RDWR, 0) }
    if raw >= 3 { close(raw) }
    for standard in Int32(0)...2 { _ = wif_set_cloexec(standard, false) }
    _ = wif_set_dumpable(false)
    let resource = __rlimit_resource_t(RLIMIT_CORE.rawValue)
    var core = rlimit()
    _ = unsafe getrlimit(resource, &core)
    // The hard limit stays: without privilege it could not be given back to a child.
    var none = rlimit(rlim_cur: 0, rlim_max: core.rlim_max)
    _ = unsafe setrlimit(resource, &none)
    return ProcessOrigin(
        mask: umask(0o077),
        coreLimit: (UInt64(core.rlim_cur), UInt64(core.rlim_max)),
        ignored: wif_ignored_signals(),
        descriptors: descriptors
    )
}

/// Gives up root's capabilities beyond those that an agent needs, where the process has any; in synchronous
/// `main`, for they are a thread's own. Programs that a process of root's starts have theirs again, as hooks
/// need, unless it may gain no privileges. `capset(2)`, `capabilities(7)`
/// - Throws: ``Errno``.
package func keepAgentCapabilities() throws(Errno) {
    // CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER: deliver files and sockets to other users. KILL: signal
    // other users' processes. SETGID, SETUID, SETPCAP: start workers as a user that can do less.
    // NET_BIND_SERVICE: listen on any port.
    let numbers: [UInt64] = [0, 1, 2, 3, 5, 6, 7, 8, 10]
    let mask = numbers.reduce(0 as UInt64) { $0 | 1 << $1 }
    try systemCall { wif_keep_capabilities(mask) }
}

/// Lets this process open as many descriptors as the hard limit allows: nothing here uses select(2),
/// for whose sake the usual soft limit is 1024. Children start with the limit there was before.
/// To be called once, before other threads start programs. `setrlimit(2)`
package func raiseDescriptorLimit() {
    wif_raise_descriptor_limit()
}

/// Descriptors from 3 up that were meant to be passed on; none where /proc is not mounted.
private func inheritedDescriptors() -> [Int32] {
    let names: [String]
    do throws(Errno) { names = try listDirectory("/proc/self/fd") } catch { return [] }
    let handedOver = handedOverDescriptors()
    return names.compactMap { Int32($0) }.filter { descriptor in
        guard descriptor >= 3, !handedOver.contains(descriptor) else { return false }
        let flags = fcntl(descriptor, F_GETFD)
        return flags >= 0 && flags & FD_CLOEXEC == 0
    }
}

/// `sd_listen_fds(3)`
private func handedOverDescriptors() -> Range<Int32> {
    let environment = processEnvironment()
    guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid(),
        let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), (1...1024).contains(count)
    else { return 3..<3 }
    return 3..<3 + count
}

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

/// The arguments, byte for byte, the program's name first.
package func processArguments() -> [[UInt8]] {
    (0..<Int(CommandLine.argc)).compactMap { index in
        unsafe CommandLine.unsafeArgv[index].map { unsafe bytes(of: $0) }
    }
}

/// The environment as `NAME=value` entries, byte for byte. `environ(7)`
package func processEnvironmentEntries() -> [[UInt8]] {
    var result: [[UInt8]] = []
    var next = unsafe environ
    while let entry = unsafe next.pointee {
        result.append(unsafe bytes(of: entry))
        unsafe next += 1
    }
    return result
}

private func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
    unsafe UnsafeBufferPointer(start: text, count: strlen(text)).map { UInt8(bitPattern: $0) }
}
