internal import Federation
internal import HTTP
internal import Platform

/// The worker: jobs in on standard input, results out on standard output, nothing written elsewhere.
@main
struct Program {
    static func main() {
        exitProcess(run())
    }

    private static func run() -> Int32 {
        switch Options(CommandLine.arguments.dropFirst()) {
        case .help: print(usage)
        case .version: print("wif-exchange \(programVersion)")
        case .invalid(let argument):
            complain("unknown argument \(argument.printable)\nhint: wif-exchange --help")
            return 64
        case .work(let extent, let users):
            if isSocket(0) {
                do throws(PeerRefusal) {
                    try admitPeer(of: 0, extent, users)
                } catch {
                    complain(error.message)
                    return error.exitCode
                }
            }
            // Before any task: main is still the only thread.
            do throws(Errno) {
                try Sandbox.enter(extent)
            } catch {
                complain("the sandbox cannot be entered: \(error)")
                return 71
            }
            return MainLoop.run { await work(extent) }
        }
        return 0
    }

    private static func work(_ extent: Sandbox.Extent) async -> Int32 {
        let transport: CurlTransport
        do throws(HTTPError) {
            transport = try CurlTransport(userAgent: "wif-agent/\(programVersion)")
        } catch {
            complain(error.description)
            return 70
        }
        let timekeeper = SystemTimekeeper()
        let worker = Worker(timekeeper: timekeeper) { job, deadline in
            await JobRunner(
                job: job,
                deadline: deadline,
                transport: transport,
                timekeeper: timekeeper,
                runsPrograms: extent == .programs
            ).result()
        }
        return await worker.run(input: 0, output: 1)
    }
}

private enum Options {
    case help
    case version
    /// On a socket, for peers of these users beside root and the own one.
    case work(Sandbox.Extent, users: [String])
    case invalid(String)

    init(_ arguments: some Sequence<String>) {
        var extent = Sandbox.Extent.network
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
            case "--programs": extent = .programs
            case "--allow-user" where !rest.isEmpty: users.append(rest.removeFirst())
            default:
                self = .invalid(argument)
                return
            }
        }
        self = .work(extent, users: users)
    }
}

private let usage = """
    usage: wif-exchange [--programs | --allow-user USER] < JOBS
    Reads jobs as JSON, one on a line, from standard input; writes one result line for each.
    wif-agent starts it; by hand: wif-exchange < job.json. See wif-exchange(8).

      --programs         allow jobs that run programs: no limits on files
      --allow-user USER  where standard input is a socket, serve this user, too, beside root and the
                         own one; repeatable
      --help             show this
      --version          show the version
    """
