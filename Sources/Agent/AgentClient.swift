package import Federation
internal import FoundationEssentials
internal import Platform
internal import Serving

/// A running agent, as its control socket shows it to a command on the same machine.
package struct AgentClient: Sendable {
    /// Why an agent could not be asked.
    package struct Unreachable: Error, Sendable {
        package let reason: String
    }

    /// What an agent answered.
    package struct Answer: Sendable {
        package let status: Int
        package let body: [UInt8]

        /// The body as JSON; `nil` for one that is none.
        package var json: JSON? {
            do { return try JSON(parsing: body) } catch { return nil }
        }

        /// The body as text that a terminal may be shown: control characters but line feeds are gone.
        package var text: String { String(decoding: body, as: UTF8.self).withoutControls }
    }

    /// The runtime directory.
    package let directory: String

    /// The agents whose control sockets are there, in the order in which they are looked for: the
    /// given directory alone, else the user's own, `/run/wif-agent`, then those below it.
    package static func all(runtimeDirectory: String?, environment: [String: String])
        -> [AgentClient]
    {
        if let runtimeDirectory { return [AgentClient(directory: runtimeDirectory)] }
        var directories: [String] = []
        if effectiveUser != 0, let own = environment["XDG_RUNTIME_DIR"] {
            directories.append(own + "/wif-agent")
        }
        directories.append("/run/wif-agent")
        do throws(Errno) {
            directories += try listDirectory("/run/wif-agent").map { "/run/wif-agent/" + $0 }
        } catch {
            // No such directory, or not ours to read: nothing more to ask.
        }
        return directories.map(AgentClient.init(directory:)).filter(\.isThere)
    }

    /// Whether it is one of several that have an account each, as `wif-agent@.service` starts them.
    package var isInstance: Bool { directory.hasPrefix("/run/wif-agent/") }

    private var socket: String { directory + "/control.sock" }

    private var isThere: Bool {
        do throws(Errno) { return try FileFacts(at: socket).kind == .socket } catch { return false }
    }

    /// Asks the agent.
    ///
    /// - Parameters:
    ///   - target: path and query, encoded.
    ///   - timeout: seconds for the whole of it.
    /// - Throws: ``Unreachable`` where nobody serves the socket, or somebody who is neither root, nor the
    ///   caller, nor the user to whom root has given the runtime directory.
    package func ask(
        _ method: String,
        _ target: String,
        timeout: Double
    ) async throws(Unreachable) -> Answer {
        do {
            return try await withThrowingTaskGroup(of: Answer?.self) { group in
                group.addTask { try await self.send(method, target) }
                group.addTask {
                    let end = BootInstant.now.advanced(bySeconds: timeout)
                    try await SystemTimekeeper().sleep(until: end)
                    return nil
                }
                let first = try await group.next() ?? nil
                group.cancelAll()
                guard let first else { throw Unreachable(reason: "no answer in \(Int(timeout)) s") }
                return first
            }
        } catch let error as Unreachable {
            throw error
        } catch {
            throw Unreachable(reason: "\(socket): \(error)")
        }
    }

    private func send(_ method: String, _ target: String) async throws -> Answer {
        let stream = try await connect(to: .unix(path: socket))
        let server = try peerUser(of: stream.raw)
        guard server == 0 || server == effectiveUser || isAppointed(server) else {
            throw Unreachable(
                reason: "\(socket) is served by \(userDescription(server)), who is not trusted"
            )
        }
        let response = try await request(HTTPClientRequest(method, target), over: stream)
        return Answer(status: response.status, body: response.body)
    }

    /// Whether root has given the runtime directory to the user, as systemd does for a unit's own: then
    /// it is root who says that this is the agent.
    private func isAppointed(_ user: UInt32) -> Bool {
        do throws(Errno) {
            let facts = try FileFacts(at: directory)
            guard facts.kind == .directory, facts.owner == user, facts.mode & 0o022 == 0 else {
                return false
            }
            return try isRootsAlone(splitPath(realPath(directory)).directory)
        } catch {
            return false
        }
    }
}
