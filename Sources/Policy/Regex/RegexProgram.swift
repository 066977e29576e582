/// A regular expression as a machine that is in many states at once: time grows with the text's length
/// times the program's, whatever the pattern (Thompson 1968).
struct RegexProgram: Sendable {
    enum Instruction: Sendable {
        case set(ScalarSet)
        case assertion(RegexNode.Assertion)
        case split(Int, Int)
        case jump(Int)
        case match
    }

    private(set) var instructions: [Instruction] = []

    /// - Throws: ``RegexError`` for what is no RE2 syntax, or too large.
    init(compiling pattern: String) throws(RegexError) {
        var parser = try RegexParser(pattern)
        try emit(try parser.document())
        try append(.match)
    }

    private mutating func emit(_ node: RegexNode) throws(RegexError) {
        switch node {
        case .empty: break
        case .set(let set): try append(.set(set))
        case .assertion(let assertion): try append(.assertion(assertion))
        case .sequence(let items): for item in items { try emit(item) }
        case .choice(let branches): try emit(choice: branches)
        case .repeated(let inner, let minimum, let maximum):
            for _ in 0..<minimum { try emit(inner) }
            if let maximum {
                try emit(optional: inner, times: maximum - minimum)
            } else {
                try emit(star: inner)
            }
        }
    }

    private mutating func emit(choice branches: [RegexNode]) throws(RegexError) {
        var exits: [Int] = []
        for branch in branches.dropLast() {
            let split = instructions.count
            try append(.split(split + 1, 0))
            try emit(branch)
            exits.append(instructions.count)
            try append(.jump(0))
            instructions[split] = .split(split + 1, instructions.count)
        }
        if let last = branches.last { try emit(last) }
        for exit in exits { instructions[exit] = .jump(instructions.count) }
    }

    private mutating func emit(star inner: RegexNode) throws(RegexError) {
        let split = instructions.count
        try append(.split(split + 1, 0))
        try emit(inner)
        try append(.jump(split))
        instructions[split] = .split(split + 1, instructions.count)
    }

    private mutating func emit(optional inner: RegexNode, times: Int) throws(RegexError) {
        var splits: [Int] = []
        for _ in 0..<times {
            splits.append(instructions.count)
            try append(.split(instructions.count + 1, 0))
            try emit(inner)
        }
        for split in splits { instructions[split] = .split(split + 1, instructions.count) }
    }

    private mutating func append(_ instruction: Instruction) throws(RegexError) {
        if instructions.count >= Limits.programLength {
            throw RegexError(reason: "is too large once its repeats are written out")
        }
        instructions.append(instruction)
    }

    /// Whether the pattern occurs anywhere in the text.
    func matches(_ text: String, _ meter: inout Meter) throws(Fault) -> Bool {
        let scalars = Array(text.unicodeScalars)
        try meter.charge(bytes: text.utf8.count)
        var current = StateSet(capacity: instructions.count)
        var next = StateSet(capacity: instructions.count)
        for position in 0...scalars.count {
            if add(0, to: &current, at: position, in: scalars) { return true }
            try meter.charge(1 + current.members.count / 16)
            guard position < scalars.count else { break }
            next.removeAll()
            for state in current.members {
                guard case .set(let set) = instructions[state], set.contains(scalars[position])
                else { continue }
                if add(state + 1, to: &next, at: position + 1, in: scalars) { return true }
            }
            swap(&current, &next)
        }
        return false
    }

    /// Follows all ways from a state that read nothing; whether one of them is the end.
    private func add(
        _ start: Int,
        to states: inout StateSet,
        at position: Int,
        in text: [Unicode.Scalar]
    ) -> Bool {
        var pending = [start]
        while let state = pending.popLast() {
            guard states.insert(state) else { continue }
            switch instructions[state] {
            case .match: return true
            case .set: break
            case .jump(let target): pending.append(target)
            case .split(let first, let second): pending += [second, first]
            case .assertion(let assertion):
                if holds(assertion, at: position, in: text) { pending.append(state + 1) }
            }
        }
        return false
    }

    private func holds(
        _ assertion: RegexNode.Assertion,
        at position: Int,
        in text: [Unicode.Scalar]
    ) -> Bool {
        let before = position > 0 ? text[position - 1] : nil
        let after = position < text.count ? text[position] : nil
        let isBoundary = (before?.isWordCharacter ?? false) != (after?.isWordCharacter ?? false)
        return switch assertion {
        case .startOfText: before == nil
        case .endOfText: after == nil
        case .startOfLine: before == nil || before == "\n"
        case .endOfLine: after == nil || after == "\n"
        case .wordBoundary: isBoundary
        case .noWordBoundary: !isBoundary
        }
    }
}

/// A set of small integers that is emptied in no time.
private struct StateSet {
    private(set) var members: [Int] = []
    private var marks: [UInt32]
    private var mark: UInt32 = 1

    init(capacity: Int) {
        marks = Array(repeating: 0, count: capacity)
        members.reserveCapacity(capacity)
    }

    mutating func insert(_ member: Int) -> Bool {
        if marks[member] == mark { return false }
        marks[member] = mark
        members.append(member)
        return true
    }

    mutating func removeAll() {
        members.removeAll(keepingCapacity: true)
        mark += 1
    }
}
