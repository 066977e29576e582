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
    /// - Parameter isAccepted: whether the service took the token: then no prediction of a refusal stands.
    mutating func settle(isAccepted: Bool) async {
        let waiting = held
        held = []
        for (step, isPrediction) in waiting {
            await append(isPrediction && isAccepted ? step.refuted : step)
        }
    }

    private mutating func append(_ step: StepReport) async {
        steps.append(step)
        await tell(step)
    }
}

extension StepReport {
    /// What was expected to be refused, once the service has accepted it all the same.
    fileprivate var refuted: StepReport {
        guard state == .failed else { return self }
        return .warning(
            name,
            "\(text); the service accepts it all the same",
            hint: hint,
            about: about
        )
    }
}
