import Federation
import HTTP
import Kernel
import Text
import Worker

/// The worker: jobs in on standard input, results out on standard output, nothing written elsewhere.
@main
struct Program {
    static func main() {
        exitProcess(run())
    }

    private static func run() -> Int32 {
        switch Options(CommandLine.arguments.dropFirst()) {
        case .help: print(usage)
        case .version: print(versionLine(of: "wif-exchange"))
        case .invalid(let argument):
            complain("unknown argument \(argument.printable)\nhint: wif-exchange --help")
            return 64
        case .work(let allowance, let users):
            if isSocket(0) {
                do throws(PeerRefusal) {
                    try admitPeer(of: 0, allowance, users)
                } catch {
                    complain(error.message)
                    return error.exitCode
                }
            }
            // Before any task: main is still the only thread.
            do throws(Errno) {
                try Sandbox.enter(allowance)
            } catch {
                complain("the sandbox cannot be entered: \(error)")
                return 71
            }
            do throws(Errno) {
                return try MainLoop.run { await work(allowance) }
            } catch {
                complain("events cannot be waited for: \(error)")
                return 75
            }
        }
        return 0
    }

    private static func work(_ allowance: Sandbox.Allowance) async -> Int32 {
        let transport: CurlTransport
        do throws(HTTPError) {
            transport = try CurlTransport(userAgent: "wif-agent/\(programVersion)")
        } catch {
            complain(error.description)
            return 70
        }
        let timekeeper = SystemTimekeeper()
        let worker = Worker(timekeeper: timekeeper) { job, deadline, tell in
            await JobRunner(
                job: job,
                deadline: deadline,
                transport: transport,
                timekeeper: timekeeper,
                allowance: allowance,
                telling: tell
            ).result()
        }
        return await worker.run(input: 0, output: 1)
    }
}

private enum Options {
    case help
    case version
    /// On a socket, for peers of these users beside root and the own one.
    case work(Sandbox.Allowance, users: [String])
    case invalid(String)

    init(_ arguments: some Sequence<String>) {
        var allowance: Sandbox.Allowance = []
        var users: [String] = []
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h":
                self = .help
                return
            case "--version":
                self = .version
                return
            case "--allow-user" where !rest.isEmpty: users.append(rest.removeFirst())
            default:
                guard let allowed = Sandbox.Allowance(argument: argument) else {
                    self = .invalid(argument)
                    return
                }
                allowance.insert(allowed)
            }
        }
        self = .work(allowance, users: users)
    }
}

private let usage = """
    usage: wif-exchange [--files] [--unix-sockets] [--programs | --allow-user USER] < JOBS
    Reads jobs as JSON, one on a line, from standard input; writes one result line for each.
    wif-agent starts it; by hand: wif-exchange < job.json. See wif-exchange(8).

      --files            allow jobs that read files other than the system's own
      --unix-sockets     allow jobs that connect to Unix sockets
      --programs         allow jobs that run programs: these need files and the user's powers
      --allow-user USER  where standard input is a socket, serve this user, too, beside root and the
                         own one; repeatable
      --help             show this
      --version          show the version
    """
