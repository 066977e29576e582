import Agent
import Federation
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
        case .givesAgain: givesAgain = true
        case .givesAnew: givesAgain = false
        case .diskFull: fullDisks = [true, true]
        case .oneDiskFull:
            fullDisks = [false, false]
            fullDisks[Int(2 * chance())] = true
        case .diskWell: fullDisks = [false, false]
        case .stateDiskFull: isStateDiskFull = true
        case .stateDiskWell: isStateDiskFull = false
        case .revocationFails: revocationFailure = Failure(.transient, at: .revoke, "down")
        case .revocationRefused: revocationFailure = Failure(.refused, at: .revoke, "no")
        case .revocationWorks: revocationFailure = nil
        case .outputsCannotBeOpened: cannotOpen = true
        case .outputsCanBeOpened: cannotOpen = false
        case .hooksFail: hooksFail = true
        case .hooksWork: hooksFail = false
        case .slow: isSlow = true
        case .fast: isSlow = false
        case .editIdentity, .editRest, .editBack, .breakFile, .mendFile, .removeFile,
            .bringFileBack:
            performEdit(action)
        case .refresh, .revoke, .rotateToken, .clockSet, .suspend, .touch, .workerDies,
            .workerHangs, .kill,
            .reboot, .stop, .restart:
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
        case .rotateToken: tell(.tokenFileChanged)
        case .clockSet: tell(.clockChanged)
        case .suspend:
            instant = instant.advanced(bySeconds: 8 * 3600 * chance() * chance())
            lastTrouble = instant
            // Whoever is awake before the agent.
            checkSocket()
            tell(.clockChanged)
        case .touch:
            guard let place = places.first else { return }
            files[place] = nil
            tell(.outputsTouched)
        case .workerDies: failJobs(after: nil)
        case .workerHangs: failJobs(after: 65)
        case .kill: kill(losingPower: false); startAgent()
        case .reboot: kill(losingPower: true); startAgent()
        case .stop: restart(forGood: true)
        case .restart: restart(forGood: false)
        default: break
        }
    }

    /// The agent ends as it is told, and starts again: an upgrade.
    mutating func restart(forGood: Bool) {
        guard !isDead else { return }
        end(forGood: forGood)
        isDead = true
        startAgent()
    }

    mutating func edit(identity: Int, rest: Int) {
        (self.identity, self.rest) = (identity, rest)
        reload()
    }

    /// The jobs that run come to nothing: at once, or when their worker is killed so much later.
    mutating func failJobs(after seconds: Double?) {
        lastTrouble = instant
        let failure = JobAnswer<Credential>.failure(
            Failure(.transient, at: .worker, "the worker died")
        )
        for index in queue.indices {
            guard case .tell(.exchanged(let attempt, let result)) = queue[index].step else {
                continue
            }
            if case .success(let credential) = result.outcome {
                lose(credential)
            }
            let scheduled = queue[index]
            queue[index] = Scheduled(
                at: seconds.map { instant.advanced(bySeconds: $0) } ?? scheduled.at,
                order: scheduled.order,
                run: scheduled.run,
                step: .tell(.exchanged(attempt, failure))
            )
            lastTrouble = max(instant, queue[index].at)
        }
    }

    mutating func lose(_ credential: Credential) {
        if let number = credential.number { issued[number].isLost = true }
    }
}
