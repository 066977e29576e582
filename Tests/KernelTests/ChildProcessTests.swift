import Glibc
import Testing

@testable import Kernel

@Suite(.timeLimit(.minutes(1))) struct `A child process` {
    /// The kernel had refused to watch for the end of a command, and whoever waited for it outlived it for
    /// ever. Here, in a process of its own, the second one to wait needs a descriptor, and there is none.
    @Test func `has an end that is noticed where there is nothing to wait for it with`() async {
        await #expect(processExitsWith: .success) {
            // What waits is there before the descriptors run out.
            try await SystemTimekeeper().sleep(until: .now.advanced(bySeconds: 0.001))
            let child = try ChildProcess(
                ChildProcess.Request(
                    path: "/bin/sleep",
                    arguments: ["sleep", "1"],
                    environment: [:],
                    descriptors: [0, 1, 2]
                )
            )
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            var limit = rlimit()
            unsafe getrlimit(resource, &limit)
            var none = rlimit(rlim_cur: 0, rlim_max: limit.rlim_max)
            unsafe setrlimit(resource, &none)
            async let first: Void = child.ended()
            async let second: Void = child.ended()
            _ = try await (first, second)
            unsafe setrlimit(resource, &limit)
        }
    }
}
