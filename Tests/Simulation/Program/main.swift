import Dispatch
import FoundationEssentials
import Glibc
import Kernel
import Simulation
import Synchronization

/// `wif-simulation [--seeds N] [--first SEED] [--jobs N] [--unseen] [--digest]`: plays N seeds from SEED on
/// (drawn and printed where it is not given), side by side, and with each thousandth a fleet that shares one
/// service; prints every finding's shortest history and trace. With `--digest` it prints one number of all
/// that the seeds do, which no change that only makes it faster may change.
struct Arguments {
    var seeds = 20_000
    var first = UInt64.random(in: 0..<1 << 48)
    var jobs = ProcessInfo.processInfo.activeProcessorCount
    var showsUnseen = false
    var givesDigest = false

    init(_ arguments: [String]) {
        var rest = arguments.dropFirst()
        while let name = rest.popFirst() {
            switch name {
            case "--seeds": seeds = rest.popFirst().flatMap { Int($0) } ?? seeds
            case "--first": first = rest.popFirst().flatMap { UInt64($0) } ?? first
            case "--jobs": jobs = rest.popFirst().flatMap { Int($0) } ?? jobs
            case "--unseen": showsUnseen = true
            case "--digest": givesDigest = true
            default:
                print(
                    "usage: wif-simulation [--seeds N] [--first SEED] [--jobs N] [--unseen] [--digest]"
                )
                exit(64)
            }
        }
    }
}

struct Total {
    var findings: [Simulation.Finding] = []
    var fleets: [String] = []
    var coverage = Coverage()
    var events = 0
    var digest: UInt64 = 0
}

let arguments = Arguments(CommandLine.arguments)
let total = Mutex(Total())
print("playing \(arguments.seeds) seeds from \(arguments.first) on, a day each")
let start = WallTime.now
DispatchQueue.concurrentPerform(iterations: arguments.jobs) { job in
    do {
        var simulation = try Simulation()
        var findings: [Simulation.Finding] = []
        var fleets: [String] = []
        var digest: UInt64 = 0
        for index in stride(from: job, to: arguments.seeds, by: arguments.jobs) {
            let seed = arguments.first &+ UInt64(index)
            if arguments.givesDigest {
                digest &+= simulation.digest(of: seed)
                continue
            }
            if index % 1000 == 0, let finding = simulation.playFleet(seed) {
                fleets.append(finding)
            }
            if let finding = simulation.play(seed) {
                findings.append(finding)
                if findings.count >= 3 { break }
            }
        }
        let (all, bad, done, sum) = (findings, fleets, simulation, digest)
        total.withLock { total in
            total.findings += all
            total.fleets += bad
            total.coverage.add(done.coverage)
            total.events += done.events
            total.digest &+= sum
        }
    } catch {
        print("the simulation cannot start: \(error)")
        exit(70)
    }
}
let result = total.withLock(\.self)
let seconds = WallTime.now.seconds(since: start)
for finding in result.findings.prefix(3) {
    print("\nseed \(finding.seed): \(finding.violation)")
    print("the shortest history: \(finding.actions.joined(separator: ", "))")
    for line in finding.trace.suffix(80) { print("    \(line)") }
}
for fleet in result.fleets.prefix(3) { print("\n\(fleet)") }
print(
    "\(arguments.seeds) seeds, \(result.events) events,"
        + " \(result.coverage.seen) pairs of event and state seen,"
        + " \(Int(Double(arguments.seeds) / max(seconds, 0.001))) seeds a second"
)
if arguments.givesDigest {
    print("digest \(String(result.digest, radix: 16))")
    exit(0)
}
if arguments.showsUnseen {
    for pair in result.coverage.unseen { print("never seen: \(pair)") }
}
let failed = result.findings.count + result.fleets.count
print("\(arguments.seeds - result.findings.count) passed, \(failed) failed")
exit(failed == 0 ? 0 : 1)
