/// What to do about a Unix socket that another process serves: which process it is, as far as this one sees.
package func listenerAdvice(_ path: String) -> String {
    let rest = "or write another path for this one"
    guard let server = listener(at: path) else {
        return
            "another process listens there: ss -lxp as root shows which; stop that one, if it is not to serve there,"
            + " \(rest)"
    }
    let name = server.arguments.first.map { splitPath($0).name } ?? ""
    return
        "process \(server.id)\(name.isEmpty ? "" : " (\(name))") listens there: stop it (kill \(server.id), or its unit), if it is"
        + " not to serve there, \(rest)"
}

/// The process that has the listening socket of a path. `proc_net_unix(5)`, `proc_pid_fd(5)`
private func listener(at path: String) -> ProcessFacts? {
    guard let node = listeningNode(path) else { return nil }
    let link = "socket:[\(node)]"
    return processes { id in
        do throws(Errno) {
            return try listDirectory("/proc/\(id)/fd").contains { name in
                do throws(Errno) {
                    return try linkTarget(of: "/proc/\(id)/fd/\(name)") == link
                } catch {
                    return false
                }
            }
        } catch {
            return false
        }
    }.first
}

/// The number of the socket's node, where one listens there.
private func listeningNode(_ path: String) -> String? {
    do throws(ReadFileError) {
        let text = try readFile("/proc/net/unix", limit: 16 << 20).text
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: true)
            guard fields.count == 8, fields[3] == "00010000" else { continue }
            let isShort =
                fields[7].hasPrefix("/proc/self/fd/")
                && splitPath(String(fields[7])).name == splitPath(path).name
            if fields[7] == path || isShort { return String(fields[6]) }
        }
        return nil
    } catch {
        return nil
    }
}
