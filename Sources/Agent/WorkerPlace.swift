package import Federation
import Kernel
import Text

/// Where workers come from: the socket of a unit of theirs, or a program that is started as a child.
package struct WorkerPlace: Sendable {
    /// Which of the two.
    package enum Choice: Equatable, Sendable {
        /// The standard socket where root or the own user serves it, else a child.
        case automatic
        /// This socket and nothing else.
        case socket(String)
        /// A child, whatever sockets there are.
        case child
    }

    /// Where `wif-exchange.socket` listens.
    package static let standardSocket = "/run/wif-exchange.sock"

    private let program: WorkerProgram
    private let choice: Choice
    private let standardSocket: String

    /// - Parameter standardSocket: what ``Choice/automatic`` looks for.
    package init(
        _ choice: Choice,
        program: WorkerProgram = WorkerProgram(),
        standardSocket: String = WorkerPlace.standardSocket
    ) {
        self.program = program
        self.choice = choice
        self.standardSocket = standardSocket
    }

    /// Begins a worker's life.
    ///
    /// A standard socket that is not there, that this user may not use, that nobody serves or somebody
    /// whom nothing makes trustworthy, is passed over; so it is for jobs that run programs, which no
    /// worker behind a socket does, and that connect to Unix sockets, which the standard one does not.
    ///
    /// - Throws: ``Failure``, with the reason why there is none.
    func begin(_ allowance: Sandbox.Allowance) async throws(Failure) -> any WorkerLink {
        switch choice {
        case .socket(let path): return WorkerConnection(try await connection(to: path))
        case .automatic where allowance.isDisjoint(with: [.programs, .unixSockets]):
            do throws(Failure) {
                return WorkerConnection(try await connection(to: standardSocket))
            } catch {
                return try child(allowance)
            }
        case .automatic, .child: return try child(allowance)
        }
    }

    /// What workers would come from, in words; nothing is started and nobody connected to.
    /// - Throws: ``Failure`` where that is not there, or is a program that may not be run.
    package func look() throws(Failure) -> String {
        switch choice {
        case .socket(let path):
            do throws(Errno) {
                _ = try FileFacts(at: path)
            } catch {
                throw unreachable(path, error)
            }
            return "the socket \(path.printable)"
        case .automatic where isThere(standardSocket):
            return "the socket \(standardSocket), else \(program.path)"
        case .automatic, .child:
            let path = try trustedProgram()
            do throws(Errno) {
                try checkExecutable(path)
                return program.path
            } catch {
                throw notStarted(path, error)
            }
        }
    }

    private func isThere(_ path: String) -> Bool {
        FileFacts(ifAt: path)?.kind == .socket
    }

    private func notStarted(_ path: String, _ error: Errno) -> Failure {
        Failure(
            Failure.Class(of: error),
            at: .worker,
            "the worker \(path) cannot be started: \(error)",
            hint: startHint(path, error)
        )
    }

    private func startHint(_ path: String, _ error: Errno) -> String? {
        if error.isPassing { return error.limitHint }
        if error == .noAccess {
            return
                "chmod 755 \(path) (and the directories above it open: chmod a+x), or install the package again"
        }
        return
            "wif-exchange belongs beside wif-agent, in ../libexec/wif-agent from there, or in"
            + " /usr/libexec/wif-agent"
    }

    private func child(_ allowance: Sandbox.Allowance) throws(Failure) -> any WorkerLink {
        let path = try trustedProgram()
        do throws(Errno) {
            return try WorkerProcess(program: path, allowance)
        } catch {
            throw notStarted(path, error)
        }
    }

    /// The program with links resolved, unless others than root and this user could have changed it.
    private func trustedProgram() throws(Failure) -> String {
        let path = program.path
        do throws(PathError) {
            return try trustedFile(path, owners: [effectiveUserID()])
        } catch {
            if let reason = error.reason { throw notStarted(path, reason) }
            throw Failure(
                .misconfigured,
                at: .worker,
                "the worker \(path.printable) is not started: \(error.description.printable)",
                hint: error.hint?.printable ?? "install it so that only its owner can change it"
            )
        }
    }

    private func connection(to path: String) async throws(Failure) -> SocketStream {
        let stream: SocketStream
        let server: UInt32
        do {
            stream = try await connect(to: .unix(path: path))
            server = try peerUser(of: stream.raw)
        } catch {
            throw unreachable(path, error)
        }
        guard server == 0 || server == effectiveUserID() else {
            throw Failure(
                .misconfigured,
                at: .worker,
                "the worker's socket \(path.printable) is served by user \(server), who is neither"
                    + " root nor this one",
                hint: "tokens go through it: it must be systemd's, or this user's own"
            )
        }
        return stream
    }

    private func unreachable(_ path: String, _ error: any Error) -> Failure {
        let reason = error as? Errno
        let isForbidden = reason == .noAccess
        let child = "--worker-socket none starts the worker as a child"
        return Failure(
            isForbidden ? .misconfigured : .transient,
            at: .worker,
            "the worker's socket \(path.printable) cannot be connected to: \(error)",
            hint: isForbidden
                ? "it is for root and the agent's user; \(child)"
                : reason?.descriptorHint ?? "systemctl start wif-exchange.socket; \(child)"
        )
    }
}
