import Kernel
import Testing

/// Another process that connects to a Unix socket, under another user or name, and reads to the end.
struct ForeignClient {
    var uid: Int?
    var groups: [Int] = []
    /// Bound to before connecting, behind a NUL.
    var abstractName: String?

    /// What the client read; `nil` if it could not connect or the connection was reset.
    func read(_ path: String) async throws -> String? {
        let script = """
            use Socket; my ($path, $name) = @ARGV; socket(S, PF_UNIX, SOCK_STREAM, 0) or exit 3;
            if ($name) { bind(S, pack("S a*", AF_UNIX, "\\0$name")) or exit 4 }
            connect(S, pack_sockaddr_un($path)) or exit 5; shutdown(S, 1);
            while (1) { my $n = sysread(S, my $b, 65536); defined $n or exit 6; $n or last; print $b }
            """
        var arguments = ["perl", "-e", script, path, abstractName ?? ""]
        if let uid {
            let list = groups.isEmpty ? ["--clear-groups"] : ["--groups", list(groups)]
            arguments = ["setpriv", "--reuid", "\(uid)", "--regid", "\(uid)"] + list + arguments
        }
        let pipe = try Pipe()
        let output = pipe.writing.raw
        var request = ChildProcess.Request(
            path: arguments[0],
            arguments: arguments,
            environment: ["PATH": "/usr/bin:/bin"],
            descriptors: [-1, output, 2]
        )
        request.searchesPath = true
        let child = try ChildProcess(request)
        let reading = pipe.takeReading()
        let bytes = try await offPool { try readToEnd(reading.raw) }
        withExtendedLifetime(reading) {}
        let status = try await child.wait()
        return status == .exited(0) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    private func list(_ groups: [Int]) -> String {
        groups.map(String.init).joined(separator: ",")
    }
}

private func readToEnd(_ descriptor: Int32) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
        let more = try Kernel.read(descriptor, upTo: 65_536)
        if more.isEmpty { return bytes }
        bytes += more
    }
}
