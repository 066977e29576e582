import Text

/// What a regular expression is made of, after parsing.
indirect enum RegexNode {
    case empty
    case set(ScalarSet)
    case assertion(Assertion)
    case sequence([RegexNode])
    case choice([RegexNode])
    /// At most `maximum` times; `nil`: any number. Whether it prefers few matters to no yes or no.
    case repeated(RegexNode, minimum: Int, maximum: Int?)

    enum Assertion: Sendable {
        case startOfText
        case endOfText
        case startOfLine
        case endOfLine
        case wordBoundary
        case noWordBoundary
    }
}

/// A pattern that is not RE2 syntax, or exceeds a bound.
package struct RegexError: Error, Equatable {
    /// Continues "the regular expression …".
    package let reason: String
    /// What to write in its place, where there is something.
    package var hint: String?
}

/// A set of characters.
struct ScalarSet: Sendable {
    enum Part: Sendable {
        case range(ClosedRange<UInt32>)
        case category(UnicodeClass, isNegated: Bool)
        case excluded(ScalarSet.Named)
    }

    /// Perl and POSIX classes: ASCII only, as in RE2.
    struct Named: Sendable {
        let ranges: [ClosedRange<UInt32>]
    }

    var parts: [Part] = []
    var isNegated = false
    var ignoresCase = false

    init(_ parts: [Part] = [], isNegated: Bool = false, ignoresCase: Bool = false) {
        self.parts = parts
        self.isNegated = isNegated
        self.ignoresCase = ignoresCase
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        var isMember = includes(scalar)
        if !isMember && ignoresCase {
            isMember = scalar.caseVariants.contains(where: includes)
        }
        return isMember != isNegated
    }

    private func includes(_ scalar: Unicode.Scalar) -> Bool {
        parts.contains { part in
            switch part {
            case .range(let range): range.contains(scalar.value)
            case .category(let category, let isNegated): category.contains(scalar) != isNegated
            case .excluded(let named): !named.ranges.contains { $0.contains(scalar.value) }
            }
        }
    }

    static func named(_ name: String) -> Named? {
        let ranges: [(Unicode.Scalar, Unicode.Scalar)]? =
            switch name {
            case "d", "digit": [("0", "9")]
            case "w", "word": [("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z")]
            case "s": [("\t", "\n"), ("\u{C}", "\r"), (" ", " ")]
            case "space": [("\t", "\r"), (" ", " ")]
            case "alnum": [("0", "9"), ("A", "Z"), ("a", "z")]
            case "alpha": [("A", "Z"), ("a", "z")]
            case "ascii": [("\0", "\u{7F}")]
            case "blank": [("\t", "\t"), (" ", " ")]
            case "cntrl": [("\0", "\u{1F}"), ("\u{7F}", "\u{7F}")]
            case "graph": [("!", "~")]
            case "lower": [("a", "z")]
            case "print": [(" ", "~")]
            case "punct": [("!", "/"), (":", "@"), ("[", "`"), ("{", "~")]
            case "upper": [("A", "Z")]
            case "xdigit": [("0", "9"), ("A", "F"), ("a", "f")]
            default: nil
            }
        return ranges.map { Named(ranges: $0.map { $0.value...$1.value }) }
    }

    /// Adds a named class or all but it.
    mutating func insert(_ named: Named, isNegated: Bool) {
        parts += isNegated ? [.excluded(named)] : named.ranges.map { .range($0) }
    }
}

/// A general category of Unicode, `Lu`, or a group of them, `L`.
struct UnicodeClass: Sendable {
    let name: String

    private static let categories: [String: Unicode.GeneralCategory] = [
        "Lu": .uppercaseLetter, "Ll": .lowercaseLetter, "Lt": .titlecaseLetter,
        "Lm": .modifierLetter, "Lo": .otherLetter, "Mn": .nonspacingMark, "Mc": .spacingMark,
        "Me": .enclosingMark, "Nd": .decimalNumber, "Nl": .letterNumber, "No": .otherNumber,
        "Pc": .connectorPunctuation, "Pd": .dashPunctuation, "Ps": .openPunctuation,
        "Pe": .closePunctuation, "Pi": .initialPunctuation, "Pf": .finalPunctuation,
        "Po": .otherPunctuation, "Sm": .mathSymbol, "Sc": .currencySymbol,
        "Sk": .modifierSymbol, "So": .otherSymbol, "Zs": .spaceSeparator,
        "Zl": .lineSeparator, "Zp": .paragraphSeparator, "Cc": .control, "Cf": .format,
        "Cs": .surrogate, "Co": .privateUse,
    ]

    private let members: [Unicode.GeneralCategory]

    init?(name: String) {
        let names = Self.categories.keys.filter { name.count < 2 ? $0.hasPrefix(name) : $0 == name }
        if name.isEmpty || names.isEmpty { return nil }
        self.name = name
        members = names.compactMap { Self.categories[$0] }
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        members.contains(scalar.properties.generalCategory)
    }
}

extension Unicode.Scalar {
    /// The same letter in other cases.
    var caseVariants: [Unicode.Scalar] {
        if isASCII {
            return properties.isAlphabetic ? [Unicode.Scalar(UInt8(value) ^ 0x20)] : []
        }
        let lower = properties.lowercaseMapping.unicodeScalars
        let upper = properties.uppercaseMapping.unicodeScalars
        var variants: [Unicode.Scalar] = []
        if lower.count == 1 { variants += lower }
        if upper.count == 1, let first = upper.first {
            variants.append(first)
            let again = first.properties.lowercaseMapping.unicodeScalars
            if again.count == 1 { variants += again }
        }
        return variants
    }

    var isWordCharacter: Bool { isASCII && (self == "_" || UInt8(value).isAlphanumeric) }
}
