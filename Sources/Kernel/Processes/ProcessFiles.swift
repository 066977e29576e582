import Glibc

/// A process of this machine, as far as the kernel tells. `proc_pid_cmdline(5)`
package struct ProcessFacts: Sendable, Equatable {
    package let id: Int
    /// The program's name, then the rest of its command line.
    package let arguments: [String]
}

private let processFileLimit = 1 << 20

/// This machine's processes whose program has the name, as far as this process sees them.
package func processes(named name: String) -> [ProcessFacts] {
    processes { processFile($0, "comm").map { $0.first == name + "\n" } == true }
}

/// Those that are so, by their ids, as far as this process sees them.
func processes(where isWanted: (Int) -> Bool) -> [ProcessFacts] {
    let numbers: [Int]
    do throws(Errno) {
        numbers = try listDirectory("/proc").compactMap { Int($0) }.sorted()
    } catch {
        return []
    }
    return numbers.compactMap { id in
        guard isWanted(id), let arguments = processFile(id, "cmdline") else { return nil }
        return ProcessFacts(id: id, arguments: arguments)
    }
}

/// Whether a process of that id runs. `kill(2)`
package func isProcess(_ id: Int32) -> Bool { kill(id, 0) == 0 || errno == EPERM }

/// A running process; `nil` where the kernel shows none of that id.
package func process(_ id: Int) -> ProcessFacts? {
    processFile(id, "cmdline").map { ProcessFacts(id: id, arguments: $0) }
}

/// The variables that a process was started with; `nil` where the kernel does not tell, as it does root
/// and the process's own user alone. `proc_pid_environ(5)`
package func startEnvironment(of processID: Int) -> [String: String]? {
    guard let entries = processFile(processID, "environ"), !entries.isEmpty else { return nil }
    var environment: [String: String] = [:]
    for entry in entries {
        guard let mark = entry.firstIndex(of: "=") else { continue }
        environment[String(entry[..<mark])] = String(entry[entry.index(after: mark)...])
    }
    return environment
}

/// The parts of a file of `/proc`, which a NUL ends each.
private func processFile(_ id: Int, _ name: String) -> [String]? {
    do throws(ReadFileError) {
        let bytes = try readFile("/proc/\(id)/\(name)", limit: processFileLimit).bytes
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    } catch {
        return nil
    }
}
