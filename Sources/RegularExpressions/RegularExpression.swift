/// A regular expression as a machine that is in many states at once: time grows with the text's length
/// times the program's, whatever the pattern (Thompson 1968).
///
/// The syntax is RE2's (https://github.com/google/re2/wiki/Syntax), which has no references back and no
/// look-around.
package struct RegularExpression: Sendable {
    enum Instruction: Sendable {
        case set(ScalarSet)
        case assertion(RegexNode.Assertion)
        case split(Int, Int)
        case jump(Int)
        case match
    }

    /// The longest pattern, in bytes.
    private static let patternLength = 2_048
    private static let mostInstructions = 4_000

    private var instructions: [Instruction] = []

    /// Compiles a pattern.
    ///
    /// - Throws: ``RegexError`` for what is no RE2 syntax, is longer than 2,048 bytes or has more than 4,000
    ///   instructions.
    package init(_ pattern: String) throws(RegexError) {
        if pattern.utf8.count > Self.patternLength {
            throw RegexError(reason: "is longer than \(Self.patternLength) bytes")
        }
        var parser = RegexParser(pattern)
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
        if instructions.count >= Self.mostInstructions {
            throw RegexError(reason: "is too large once its repeats are written out")
        }
        instructions.append(instruction)
    }

    /// What the pattern is compiled to, in instructions: the cost of one character grows with it.
    package var size: Int { instructions.count }

    /// Whether the pattern occurs anywhere in the text.
    ///
    /// `spend` is told the work as it is done, in steps of about 16 instructions; what it throws ends the search.
    package func occurs<Failure: Error>(
        in text: String,
        spend: (Int) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var current = StateSet(capacity: instructions.count)
        var next = StateSet(capacity: instructions.count)
        for position in 0...scalars.count {
            if add(0, to: &current, at: position, in: scalars) { return true }
            try spend(1 + current.members.count / 16)
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
