package import Federation
import Kernel
import Serving
package import Text

/// A running agent, as its control socket shows it to a command on the same machine.
package struct AgentClient: Sendable {
    /// Why an agent gave no answer.
    package struct Unreachable: Error, Sendable {
        /// What that says of the agent.
        package enum Kind: Sendable {
            /// There is none: no socket, or nobody serves it.
            case absent
            /// Who serves the socket is not to be trusted: it is not the agent.
            case foreign
            /// There is one, and this user may not ask it.
            case forbidden
            /// There is one, and it does nothing at all.
            case hung
            /// It lives, and this answer has not come in time.
            case late
            /// The connection or the answer broke off.
            case broken
        }

        package let kind: Kind
        package let reason: String

        package init(kind: Kind, reason: String) {
            self.kind = kind
            self.reason = reason
        }

        /// The same as a failure of the command that asked.
        package var failure: Failure {
            Failure(
                kind == .forbidden ? .misconfigured : .transient,
                at: .worker,
                reason,
                hint: hint
            )
        }

        /// What helps.
        package var hint: String? {
            switch kind {
            case .absent:
                "start it: systemctl start wif-agent where its units are installed, else wif-agent run;"
                    + " one that runs in another place is named by --runtime-dir"
            case .forbidden:
                "it answers root and the user it runs as: put sudo before the command; get --fresh needs no"
                    + " agent; and a program of yours gets it from an output of its own (\"owner\", or a socket with"
                    + " \"allowUsers\")"
            case .hung:
                "it hangs: systemctl restart wif-agent, or end the process that ss -lxp shows"
            case .foreign, .late, .broken: nil
            }
        }
    }

    /// Seconds in which an agent that lives says something.
    package static let patience = 5.0
    /// Of these, for an answer before it is asked whether it lives.
    private static let pause = 2.0

    private enum Outcome: Sendable {
        case answer(Answer)
        case late
        case hung
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
        let system = RuntimeDirectory.system
        var directories = [RuntimeDirectory.users(environment), system].compactMap(\.self)
        do throws(Errno) {
            directories += try listDirectory(system).map { "\(system)/\($0)" }
        } catch {
            // No such directory, or not ours to read: nothing more to ask.
        }
        return directories.map(AgentClient.init(directory:)).filter(\.hasSocket)
    }

    /// The one whose runtime directory that is.
    package static func named(_ directory: String) -> AgentClient {
        AgentClient(directory: directory)
    }

    /// Whether it is one of several that have an account each, as `wif-agent@.service` starts them.
    package var isInstance: Bool { directory.hasPrefix(RuntimeDirectory.system + "/") }

    private var socket: String { directory + "/control.sock" }

    /// Whether there is a socket where the agent would listen.
    package var hasSocket: Bool { FileFacts(ifAt: socket)?.kind == .socket }

    /// Asks the agent.
    ///
    /// - Parameters:
    ///   - target: path and query, encoded.
    ///   - timeout: seconds for the whole of it.
    /// An answer may be long in coming; that the agent lives is asked for in between.
    /// - Throws: ``Unreachable`` where nobody serves the socket, or somebody who is neither root, nor the
    ///   caller, nor the user to whom root has given the runtime directory; and where the agent hangs.
    package func ask(
        _ method: String,
        _ target: String,
        timeout: Double
    ) async throws(Unreachable) -> Answer {
        do {
            switch try await outcome(method, target, timeout) {
            case .answer(let answer): return answer
            case .late where timeout < Self.patience: throw silent(.late, timeout)
            case .late:
                throw Unreachable(kind: .late, reason: "\(socket): no answer in \(Int(timeout)) s")
            case .hung: throw silent(.hung, Self.patience)
            }
        } catch let error as Unreachable {
            throw error
        } catch let error as Errno {
            throw Unreachable(kind: kind(of: error), reason: "\(socket): \(error)")
        } catch {
            throw Unreachable(kind: .broken, reason: "\(socket): \(error)")
        }
    }

    private func silent(_ kind: Unreachable.Kind, _ seconds: Double) -> Unreachable {
        let time = "\(Int(seconds.rounded(.up))) s"
        return Unreachable(
            kind: kind,
            reason: "the agent at \(directory) does not answer: nothing came in \(time)"
        )
    }

    private func outcome(
        _ method: String,
        _ target: String,
        _ timeout: Double
    ) async throws -> Outcome {
        let clock = SystemTimekeeper()
        return try await throwingRace(
            { .answer(try await self.send(method, target)) },
            against: {
                await clock.reaches(.now.advanced(bySeconds: timeout)) ? .late : nil
            },
            {
                repeat {
                    try await clock.sleep(until: .now.advanced(bySeconds: Self.pause))
                } while try await self.lives()
                return .hung
            }
        )
    }

    /// Whether the agent says anything within what is left of ``patience``.
    private func lives() async throws -> Bool {
        let end = BootInstant.now.advanced(bySeconds: Self.patience - Self.pause)
        return try await throwingBefore(end, on: SystemTimekeeper()) {
            // One that breaks off tells as much as an answer; the question's own connection counts.
            do {
                _ = try await self.send("GET", "/livez")
            } catch {
                try Task.checkCancellation()
            }
        } != nil
    }

    private func kind(of error: Errno) -> Unreachable.Kind {
        switch error {
        case .notFound, .connectionRefused, .notDirectory: .absent
        case .noAccess, .notPermitted: .forbidden
        // Nobody takes connections out of its queue. connect(2)
        case .wouldBlock: .hung
        default: .broken
        }
    }

    private func send(_ method: String, _ target: String) async throws -> Answer {
        let stream = try await connect(to: .unix(path: socket))
        let server = try peerUser(of: stream.raw)
        guard server == 0 || server == effectiveUserID() || isAppointed(server) else {
            throw Unreachable(
                kind: .foreign,
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
