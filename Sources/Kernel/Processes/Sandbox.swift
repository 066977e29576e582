import CLinux
import Glibc

/// The powers that a worker gives up for good, in synchronous `main` before any other thread exists:
/// some of them are a thread's own and would not reach those that are there already.
package enum Sandbox {
    /// What a worker may do beside speaking to the network and reading the system's own files.
    package struct Allowance: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// Read any file; where root started it, whoever owns the file.
        package static let files = Allowance(rawValue: 1)
        /// Connect to Unix sockets; where root started it, whoever owns them.
        package static let unixSockets = Allowance(rawValue: 2)
        /// Start programs, which need what the worker was started with: its user, its files.
        package static let programs = Allowance(rawValue: 4)

        private static let words: [(Allowance, String)] = [
            (.files, "--files"), (.unixSockets, "--unix-sockets"), (.programs, "--programs"),
        ]

        /// What the worker's argument allows; `nil` for an argument that allows nothing.
        package init?(argument: String) {
            guard let known = Self.words.first(where: { $0.1 == argument }) else { return nil }
            self = known.0
        }

        /// The worker's arguments that allow this.
        package var arguments: [String] {
            Self.words.filter { contains($0.0) }.map(\.1)
        }
    }

    /// Enters it; what the kernel does not offer is left out.
    ///
    /// Root's worker becomes ``WorkerUser`` unless it starts programs, or has become it before.
    /// - Throws: ``Errno`` where the kernel offers something and refuses it.
    package static func enter(_ allowance: Allowance) throws(Errno) {
        hardenProcess()
        forgetEnvironment()
        ignoreSignal(SIGPIPE)
        ignoreSignal(SIGXFSZ)
        var limits = wif_limits(allowance)
        // The limit is on the process's regular files, of which its output may be one.
        if isRegularFile(STDOUT_FILENO) || isRegularFile(STDERR_FILENO) {
            limits.writes_files = true
        }
        try systemCall { unsafe wif_limit(&limits) }
        if !allowance.contains(.programs) { try giveUpPowers(keeping: allowance.capabilities) }
        try systemCall { wif_set_no_new_privileges() }
        try systemCall { wif_landlock(allowance.landlock) }
        if allowance.contains(.programs) { adoptOrphans() }
        // Last: it forbids what the others need.
        try enterFilter(allowance)
    }

    /// The agent's filter of system calls; in synchronous `main`, before capabilities are given up.
    ///
    /// Hooks inherit it: it refuses what no program of an account needs. Where root's powers or
    /// "no new privileges" are missing it is left out, for the latter would disable sudo in hooks.
    /// - Throws: ``Errno``.
    package static func enterAgentFilter() throws(Errno) {
        guard !isSanitized else { return }
        do throws(Errno) {
            let filter = wif_filter(kind: WIF_FILTER_AGENT, unix_sockets: true)
            try systemCall { wif_enter_filter(filter) }
        } catch {
            if error != .noAccess { throw error }
        }
    }

    private static func giveUpPowers(keeping kept: UInt64) throws(Errno) {
        guard wif_can_change_user() else {
            try systemCall { wif_keep_capabilities(kept) }
            return
        }
        let user = WorkerUser.current
        try systemCall { wif_become_user(user.id, user.group, kept, false) }
        // A change of users makes a process what the system's settings say.
        _ = wif_set_dumpable(false)
    }

    private static func enterFilter(_ allowance: Allowance) throws(Errno) {
        guard !isSanitized else { return }
        try systemCall { wif_enter_filter(allowance.filter(isStarting: false)) }
    }

    /// Libraries read variables behind our back: `SSLKEYLOGFILE` has libcurl write session keys,
    /// `OPENSSL_CONF` has OpenSSL load modules. What a job needs stands in the job.
    private static func forgetEnvironment() {
        let path = processEnvironment()["PATH"]
        clearenv()
        if let path { unsafe setenv("PATH", path, 1) }
    }

    /// A sanitizer's shadow memory takes up terabytes of addresses, and its threads trace each other.
    fileprivate static var isSanitized: Bool {
        unsafe dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
    }
}

/// The user as whom root has workers run: `wif-exchange` where the package made it, else a number that
/// nobody has.
package struct WorkerUser: Equatable, Sendable {
    package let id: UInt32
    package let group: UInt32

    private static let name = "wif-exchange"
    /// Below those of 16 bits, so that a container's range has them, too; systemd leaves them unused.
    /// <https://systemd.io/UIDS-GIDS/>
    private static let unused: ClosedRange<UInt32> = 65_520...65_533

    /// Found once, for user databases may be slow.
    package static let current: WorkerUser = {
        if let id = userID(of: name), id != 0, let found = nameAndGroup(of: id) {
            return WorkerUser(id: id, group: found.group)
        }
        let free = unused.first { nameAndGroup(of: $0) == nil } ?? unused.upperBound
        return WorkerUser(id: free, group: free)
    }()
}

extension Sandbox.Allowance {
    /// The capabilities that are kept: bits by `capabilities(7)`.
    fileprivate var capabilities: UInt64 {
        // DAC_READ_SEARCH; DAC_OVERRIDE, for connecting takes the right to write.
        (contains(.files) ? 1 << 2 : 0) | (contains(.unixSockets) ? 1 << 1 : 0)
    }

    fileprivate var landlock: wif_landlock_reach {
        if contains(.programs) { return WIF_LANDLOCK_PROGRAMS }
        return contains(.files) ? WIF_LANDLOCK_FILES : WIF_LANDLOCK_SYSTEM
    }

    fileprivate func filter(isStarting: Bool) -> wif_filter {
        let own = isStarting ? WIF_FILTER_START : WIF_FILTER_WORKER
        return wif_filter(
            kind: contains(.programs) ? WIF_FILTER_PROGRAMS : own,
            unix_sockets: contains(.unixSockets)
        )
    }
}

extension wif_limits {
    /// Seconds of processor time, far more than the 256 jobs of a worker's life take.
    private static let processorSeconds: UInt64 = 120
    /// Bytes of address space; threads reserve far more of it than they use.
    private static let addressSpace: UInt64 = 8 << 30

    fileprivate init(_ allowance: Sandbox.Allowance) {
        self.init(
            processor_seconds: Self.processorSeconds,
            address_space: Sandbox.isSanitized ? 0 : Self.addressSpace,
            writes_files: allowance.contains(.programs)
        )
    }
}

extension wif_confinement {
    /// What a worker is to have given up before its first instruction, whatever its program is.
    init(_ allowance: Sandbox.Allowance) {
        let changesUser = !allowance.contains(.programs) && wif_can_change_user()
        let user = changesUser ? WorkerUser.current : nil
        self.init(
            limits: wif_limits(allowance),
            changes_user: changesUser,
            user: user?.id ?? 0,
            group: user?.group ?? 0,
            keeps_capabilities: !allowance.contains(.programs),
            kept: allowance.capabilities,
            reaps: allowance.contains(.programs),
            filters: !Sandbox.isSanitized,
            filter: allowance.filter(isStarting: true)
        )
    }
}
