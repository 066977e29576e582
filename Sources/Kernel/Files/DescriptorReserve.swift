import CLinux
import Glibc

/// Descriptors that are kept back from whoever only waits or is yet to be served: of a process's limit
/// the last ones are for what keeps the served ones served, a worker and the files of outputs.
///
/// The kernel always gives the lowest free number. So a number near the limit says by itself that
/// few are left, whoever holds the others. `getrlimit(2)`, `RLIMIT_NOFILE`
package enum DescriptorReserve: Sendable {
    /// For the outputs of further accounts: room for peers is left beside the reserve.
    case outputs
    /// For peers, who come after outputs: the whole reserve is left alone.
    case whole
    /// For the agent's own control socket: half of it is left alone.
    case half

    /// The fewest that a process may be allowed for this to leave anything to be served with.
    package static let leastLimit = 64

    /// How many the process may have open.
    package static var limit: Int {
        var limit = rlimit()
        let result = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard result == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// A quarter of the limit, within 32 to 96: eight workers with four each, one that is being started
    /// with nine, and some files that are being replaced.
    static func size(of limit: Int) -> Int { min(max(limit / 4, 32), 96) }

    /// - Throws: `EMFILE` for a descriptor that is one of the reserve.
    package func check(_ descriptor: Int32) throws(Errno) {
        let limit = Self.limit
        let size = Self.size(of: limit)
        let kept =
            switch self {
            case .outputs: size * 3 / 2
            case .whole: size
            case .half: size / 2
            }
        if Int(descriptor) >= limit - kept { throw Errno(EMFILE) }
    }

    /// - Throws: `EMFILE` where no descriptor is left but those of the reserve, or ``Errno`` of the kernel.
    package func check() throws(Errno) {
        let probe = FileDescriptor(owning: try systemCall { wif_eventfd() })
        try check(probe.raw)
    }
}
