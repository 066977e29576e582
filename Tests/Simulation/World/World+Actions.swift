import Agent
import Federation
import FoundationEssentials
import Kernel
import Outputs
import TestSupport

extension World {
    mutating func perform(_ action: Action.Kind) {
        note("== \(action.rawValue)")
        switch action {
        case .serviceDown: isDown = true
        case .serviceUp: (isDown, refuses, throttles) = (false, false, false)
        case .serviceRefuses: refuses = true
        case .serviceThrottles: throttles = true
        case .shortLifetimes:
            let short = [1.0, 2, 5, 30, 60][Int(5 * chance())]
            shortLifetimes = Array(repeating: short, count: 6)
        case .longLifetimes: lifetime = [600, 3600, 86_400][Int(3 * chance())]
        case .diskFull: isDiskFull = true
        case .diskWell: isDiskFull = false
        case .stateDiskFull: isStateDiskFull = true
        case .stateDiskWell: isStateDiskFull = false
        case .revocationFails: revocationFails = true
        case .revocationWorks: revocationFails = false
        case .outputsCannotBeOpened: cannotOpen = true
        case .outputsCanBeOpened: cannotOpen = false
        case .slow: isSlow = true
        case .fast: isSlow = false
        case .editIdentity, .editRest, .editBack, .breakFile, .mendFile, .removeFile,
            .bringFileBack:
            performEdit(action)
        case .refresh, .revoke, .clockSet, .suspend, .touch, .workerDies, .kill, .reboot, .stop:
            performEvent(action)
        }
    }

    mutating func performEdit(_ action: Action.Kind) {
        switch action {
        case .editIdentity: edit(identity: Int(chance() * Double(versions.count)), rest: rest)
        case .editRest: edit(identity: identity, rest: Int(chance() * Double(versions[0].count)))
        case .editBack: edit(identity: 0, rest: 0)
        case .breakFile: isBroken = true; reload()
        case .mendFile: isBroken = false; reload()
        case .removeFile: isRemoved = true; reload()
        case .bringFileBack: isRemoved = false; reload()
        default: break
        }
    }

    mutating func performEvent(_ action: Action.Kind) {
        switch action {
        case .refresh: tell(.refreshRequested(delay: chance() < 0.5 ? 0 : 3 * chance()))
        case .revoke:
            nextRequest += 1
            tell(.revocationRequested(.init(id: nextRequest)))
        case .clockSet: tell(.clockChanged)
        case .suspend:
            instant = instant.advanced(bySeconds: 8 * 3600 * chance() * chance())
            tell(.clockChanged)
        case .touch:
            guard let life else { return }
            files[life.account.place] = nil
            tell(.outputsTouched)
        case .workerDies: failJobs()
        case .kill:
            kill(losingState: false)
            startAgent()
        case .reboot:
            kill(losingState: true)
            startAgent()
        case .stop:
            guard !isDead else { return }
            end(forGood: true)
            isDead = true
            startAgent()
        default: break
        }
    }

    mutating func edit(identity: Int, rest: Int) {
        (self.identity, self.rest) = (identity, rest)
        reload()
    }

    /// The jobs that run come to nothing.
    mutating func failJobs() {
        let failure = JobResult(
            id: 0,
            outcome: .failure(Failure(.transient, at: .worker, "the worker died"))
        )
        let jobs = queue
        queue = []
        for scheduled in jobs {
            guard case .exchanged(let attempt, let result) = scheduled.event else {
                queue.append(scheduled)
                continue
            }
            if case .credential(let credential) = result.outcome, let issue = issue(of: credential)
            {
                lost.insert(issue.number)
            }
            queue.append(
                Scheduled(
                    at: scheduled.at,
                    order: scheduled.order,
                    run: scheduled.run,
                    event: .exchanged(attempt, failure)
                )
            )
        }
    }
}
