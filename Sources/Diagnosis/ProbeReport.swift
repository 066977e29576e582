import Federation

/// The steps of a probe in their order: each is told as soon as it is certain what it says.
///
/// Whether a failed prediction is a failure is known when the service has judged: from the first such on,
/// steps are held back until then.
struct ProbeReport {
    typealias Listener = @Sendable (StepReport) async -> Void

    private let tell: Listener
    private(set) var steps: [StepReport] = []
    private var held: [(step: StepReport, isPrediction: Bool)] = []

    init(telling tell: @escaping Listener) {
        self.tell = tell
    }

    /// Adds steps that say what they found.
    mutating func add(_ steps: [StepReport]) async {
        for step in steps { await add(step, isPrediction: false) }
    }

    /// Adds steps that say what the service will do.
    mutating func predict(_ steps: [StepReport]) async {
        for step in steps { await add(step, isPrediction: true) }
    }

    private mutating func add(_ step: StepReport, isPrediction: Bool) async {
        guard held.isEmpty, !isPrediction || step.state != .failed else {
            held.append((step, isPrediction))
            return
        }
        await append(step)
    }

    /// Tells what was held back, once the service has judged or will not be asked.
    ///
    /// - Parameters:
    ///   - isAccepted: whether the service took the token: then no prediction of a refusal stands.
    ///   - hasReason: whether the service has refused it, and named a reason: then no guess stands at what
    ///     it gets to see of the issuer.
    mutating func settle(isAccepted: Bool, hasReason: Bool = false) async {
        let waiting = held
        held = []
        for (step, isPrediction) in waiting {
            let isOfIssuer = [.discovery, .keys, .signature].contains(step.name)
            let isMoot = hasReason && isOfIssuer
            await append(
                isPrediction && isAccepted
                    ? step.refuted("the service accepts it all the same")
                    : isPrediction && isMoot
                        ? step.refuted("the service gives another reason, below") : step
            )
        }
    }

    private mutating func append(_ step: StepReport) async {
        steps.append(step)
        await tell(step)
    }
}

extension StepReport {
    /// What was expected to be refused, once the service has said otherwise.
    fileprivate func refuted(_ why: String) -> StepReport {
        guard state == .failed else { return self }
        return .warning(
            name,
            "\(text); \(why)",
            hint: hint,
            about: about
        )
    }
}
