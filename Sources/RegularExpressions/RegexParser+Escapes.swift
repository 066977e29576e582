extension RegexParser {
    /// What follows a backslash outside brackets.
    mutating func escape() throws(RegexError) -> RegexNode {
        guard let scalar = peek() else { throw RegexError(reason: "ends with a backslash") }
        switch scalar {
        case "A": return assertion(.startOfText)
        case "z": return assertion(.endOfText)
        case "b": return assertion(.wordBoundary)
        case "B": return assertion(.noWordBoundary)
        case "Z":
            throw RegexError(reason: "uses \\Z", hint: "RE2 writes the end of the text \\z")
        default: break
        }
        var set = ScalarSet(ignoresCase: flags.ignoresCase)
        if try takeClass(into: &set) { return .set(set) }
        return literal(try escapedScalar())
    }

    private mutating func assertion(_ assertion: RegexNode.Assertion) -> RegexNode {
        position += 1
        return .assertion(assertion)
    }

    /// Takes `d`, `W`, `pL`, `p{Lu}` and the like after a backslash.
    private mutating func takeClass(into set: inout ScalarSet) throws(RegexError) -> Bool {
        guard let scalar = peek() else { return false }
        switch scalar {
        case "d", "s", "w", "D", "S", "W":
            position += 1
            let name = String(Character(scalar))
            guard let named = ScalarSet.named(name.lowercased()) else { return false }
            set.insert(named, isNegated: name != name.lowercased())
            return true
        case "p", "P":
            position += 1
            set.parts.append(try unicodeClass(isNegated: scalar == "P"))
            return true
        default: return false
        }
    }

    private mutating func unicodeClass(isNegated: Bool) throws(RegexError) -> ScalarSet.Part {
        var isNegated = isNegated
        var name = ""
        if take("{") {
            if take("^") { isNegated.toggle() }
            while let scalar = peek(), scalar != "}" {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            if !take("}") { throw RegexError(reason: "has a \\p{ without its '}'") }
        } else if let scalar = peek() {
            name = String(Character(scalar))
            position += 1
        }
        if name == "Any" { return .range(isNegated ? 0x110000...0x110000 : 0...0x10FFFF) }
        guard let category = UnicodeClass(name: name) else {
            throw RegexError(
                reason: "uses a Unicode class that is not known here",
                hint: "general categories are known (\\p{L}, \\p{Lu}), scripts are not"
            )
        }
        return .category(category, isNegated: isNegated)
    }

    /// One character written with a backslash.
    private mutating func escapedScalar() throws(RegexError) -> Unicode.Scalar {
        guard let scalar = peek() else { throw RegexError(reason: "ends with a backslash") }
        position += 1
        switch scalar {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x": return try hexadecimal()
        case "0"..."7": return try octal(scalar)
        case "8", "9": throw backReference
        default:
            if scalar.isASCII, !scalar.isWordCharacter || scalar == "_" { return scalar }
            throw RegexError(reason: "has an unknown escape, \\\(scalar.shown)")
        }
    }

    private var backReference: RegexError {
        RegexError(reason: "refers back to a group, which RE2 does not do")
    }

    private mutating func octal(_ first: Unicode.Scalar) throws(RegexError) -> Unicode.Scalar {
        var value = first.value - 48
        var count = 1
        while count < 3, let next = peek(), ("0"..."7").contains(next) {
            value = value * 8 + next.value - 48
            position += 1
            count += 1
        }
        if first != "0" && count == 1 { throw backReference }
        guard let scalar = Unicode.Scalar(value) else {
            throw RegexError(reason: "has an octal escape that names no character")
        }
        return scalar
    }

    private mutating func hexadecimal() throws(RegexError) -> Unicode.Scalar {
        var value: UInt32 = 0
        let isBraced = take("{")
        var count = 0
        while count < (isBraced ? 6 : 2), let next = peek(), next.isASCII,
            let digit = Character(next).hexDigitValue
        {
            value = value << 4 | UInt32(digit)
            position += 1
            count += 1
        }
        let isComplete = isBraced ? count > 0 && take("}") : count == 2
        guard isComplete, let scalar = Unicode.Scalar(value) else {
            throw RegexError(reason: "has a \\x escape that names no character")
        }
        return scalar
    }

    /// A class in brackets, after its '['.
    mutating func bracket() throws(RegexError) -> ScalarSet {
        var set = ScalarSet(isNegated: take("^"), ignoresCase: flags.ignoresCase)
        var isFirst = true
        while let scalar = peek(), isFirst || scalar != "]" {
            isFirst = false
            if starts("[:"), try takePOSIXClass(into: &set) { continue }
            if scalar == "\\", pattern.count > position + 1 {
                position += 1
                if try takeClass(into: &set) { continue }
                position -= 1
            }
            set.parts.append(try range())
        }
        if !take("]") { throw RegexError(reason: "has a '[' without its ']'") }
        return set
    }

    private mutating func range() throws(RegexError) -> ScalarSet.Part {
        let low = try bracketScalar()
        guard peek() == "-", let next = peek(1), next != "]" else {
            return .range(low.value...low.value)
        }
        position += 1
        let high = try bracketScalar()
        if high < low { throw RegexError(reason: "has a range whose end is before its start") }
        return .range(low.value...high.value)
    }

    private mutating func bracketScalar() throws(RegexError) -> Unicode.Scalar {
        guard let scalar = peek() else { throw RegexError(reason: "has a '[' without its ']'") }
        position += 1
        return scalar == "\\" ? try escapedScalar() : scalar
    }

    private mutating func takePOSIXClass(into set: inout ScalarSet) throws(RegexError) -> Bool {
        let rest = pattern[position...].dropFirst(2)
        guard let end = rest.firstIndex(of: ":"), rest.indices.contains(end + 1),
            pattern[end + 1] == "]"
        else { return false }
        var name = String(String.UnicodeScalarView(rest[..<end]))
        let isNegated = name.hasPrefix("^")
        if isNegated { name.removeFirst() }
        guard name.count > 1, let named = ScalarSet.named(name) else {
            throw RegexError(reason: "has an unknown class [:…:]")
        }
        set.insert(named, isNegated: isNegated)
        position = end + 2
        return true
    }
}
