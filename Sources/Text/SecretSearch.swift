package import Kernel

/// Removes secrets from texts, whole and in pieces of eight characters and more, as they are and in
/// every encoding that a peer may quote them in: percent-encoded, base64 and base64url at every
/// alignment, hexadecimal; wrapped at any column or with any separators between.
///
/// What both have in common is looked for in windows of eight bytes, which make a number each: those of
/// the texts in a set, those of the secrets one after the other against it. The cost grows with the sum
/// of the lengths, not with their product.
///
/// A piece of a secret that is a plain word, without digits and in one case, stays where it is shorter
/// than ``plainLimit``: with "password123" for a secret, "password" is still a word. A secret of four to
/// seven characters is removed where it stands by itself and is no plain word; a shorter one is not
/// looked for.
package struct SecretSearch {
    static let replacement = "<redacted>"
    /// Bytes of a piece that is looked for.
    static let window = 8
    /// Bytes from which on a piece goes even if it is a plain word.
    static let plainLimit = 16

    private var texts: [SearchedText]
    private var grams = GramSet()
    private var found: Set<UInt64> = []
    private var words: Set<[UInt8]> = []
    private var short: [[UInt8]] = []

    /// Looks into these texts.
    package init(_ texts: [String]) {
        self.texts = texts.map(SearchedText.init)
        for text in self.texts {
            for view in text.views { view.forEachGram { grams.insert($0) } }
        }
    }

    /// Looks for a secret and all its encodings.
    package mutating func look(for secret: Secret) {
        let bytes = secret.bytes.map(\.inOneAlphabet)
        guard bytes.count >= Self.window else {
            if bytes.count >= 4 { short.append(bytes) }
            return
        }
        if bytes.count < Self.plainLimit { words.insert(bytes) }
        guard !grams.isEmpty else { return }
        look(at: bytes)
        for offset in 0..<3 { lookAtBase64(of: secret.bytes, from: offset) }
        lookAtHexadecimal(of: secret.bytes, "0123456789abcdef")
        lookAtHexadecimal(of: secret.bytes, "0123456789ABCDEF")
    }

    /// The texts without what was found, in their order.
    package func cleaned() -> [String] {
        texts.map { $0.cleaned(of: found, words: words, short: short) }
    }

    // MARK: Encodings

    private mutating func look(at bytes: some Sequence<UInt8>) {
        var roller = GramRoller()
        for byte in bytes { look(at: byte, &roller) }
    }

    private mutating func look(at byte: UInt8, _ roller: inout GramRoller) {
        roller.take(byte)
        if let gram = roller.whole, grams.contains(gram) { found.insert(gram) }
        if byte.isAlphanumeric, let gram = roller.bare, grams.contains(gram) { found.insert(gram) }
    }

    /// The digits that follow from these bytes alone, whatever stands before and behind them.
    private mutating func lookAtBase64(of bytes: [UInt8], from offset: Int) {
        var roller = GramRoller()
        var bits: UInt32 = 0
        var width = 0
        for byte in bytes.dropFirst(offset) {
            bits = bits << 8 | UInt32(byte)
            width += 8
            while width >= 6 {
                width -= 6
                look(at: Self.alphabet[Int(bits >> width & 63)], &roller)
            }
        }
        // The last digit, where the secret is the end of what was encoded.
        if width > 0 { look(at: Self.alphabet[Int(bits << (6 - width) & 63)], &roller) }
    }

    private mutating func lookAtHexadecimal(of bytes: [UInt8], _ digits: String) {
        let digits = Array(digits.utf8)
        look(at: bytes.lazy.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    ).map(\.inOneAlphabet)
}

/// The last eight bytes, and the last eight letters and digits, as a number each.
private struct GramRoller {
    private var bytes: UInt64 = 0
    private var count = 0
    private var letters: UInt64 = 0
    private var letterCount = 0

    var whole: UInt64? { count >= SecretSearch.window ? bytes : nil }
    var bare: UInt64? { letterCount >= SecretSearch.window ? letters : nil }

    mutating func take(_ byte: UInt8) {
        bytes = bytes << 8 | UInt64(byte)
        count += 1
        guard byte.isAlphanumeric else { return }
        letters = letters << 8 | UInt64(byte)
        letterCount += 1
    }
}

/// A set of windows with a filter before it, for nearly all that is asked is not in it.
private struct GramSet {
    private var exact: Set<UInt64> = []
    private var filter = [UInt64](repeating: 0, count: 1024)

    var isEmpty: Bool { exact.isEmpty }

    mutating func insert(_ gram: UInt64) {
        exact.insert(gram)
        let (word, bit) = Self.place(of: gram)
        filter[word] |= bit
    }

    func contains(_ gram: UInt64) -> Bool {
        let (word, bit) = Self.place(of: gram)
        return filter[word] & bit != 0 && exact.contains(gram)
    }

    private static func place(of gram: UInt64) -> (word: Int, bit: UInt64) {
        let hash = (gram &* 0x9E37_79B9_7F4A_7C15) >> 48
        return (Int(hash >> 6), 1 << (hash & 63))
    }
}

extension UInt8 {
    /// With base64url's digits as base64's, so that both are one.
    fileprivate var inOneAlphabet: UInt8 {
        switch self {
        case UInt8(ascii: "-"): UInt8(ascii: "+")
        case UInt8(ascii: "_"): UInt8(ascii: "/")
        default: self
        }
    }

}

/// A text with the ways in which it is read.
private struct SearchedText {
    /// A reading of the text: bytes, and for each which bytes of the text it stands for.
    struct View {
        var bytes: [UInt8] = []
        var starts: [Int] = []
        var ends: [Int] = []

        mutating func append(_ byte: UInt8, _ start: Int, _ end: Int) {
            bytes.append(byte)
            starts.append(start)
            ends.append(end)
        }

        /// Only letters and digits, for what is wrapped, escaped or separated.
        var bare: View {
            var view = View()
            for index in bytes.indices where bytes[index].isAlphanumeric {
                view.append(bytes[index], starts[index], ends[index])
            }
            return view
        }

        func forEachGram(_ body: (UInt64) -> Void) {
            var gram: UInt64 = 0
            for (index, byte) in bytes.enumerated() {
                gram = gram << 8 | UInt64(byte)
                if index + 1 >= SecretSearch.window { body(gram) }
            }
        }
    }

    let original: [UInt8]
    let views: [View]

    init(_ text: String) {
        original = Array(text.utf8)
        var plain = View()
        for (index, byte) in original.enumerated() {
            plain.append(byte.inOneAlphabet, index, index + 1)
        }
        let decoded = Self.percentDecoded(original)
        views = [plain, plain.bare] + (decoded.map { [$0, $0.bare] } ?? [])
    }

    private static func percentDecoded(_ bytes: [UInt8]) -> View? {
        guard bytes.contains(UInt8(ascii: "%")) else { return nil }
        func digit(_ index: Int) -> UInt8? {
            guard index < bytes.count else { return nil }
            switch bytes[index] {
            case 0x30...0x39: return bytes[index] - 0x30
            case 0x41...0x46: return bytes[index] - 0x41 + 10
            case 0x61...0x66: return bytes[index] - 0x61 + 10
            default: return nil
            }
        }
        var view = View()
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), let high = digit(index + 1),
                let low = digit(index + 2)
            {
                view.append((high << 4 | low).inOneAlphabet, index, index + 3)
                index += 3
            } else {
                view.append(bytes[index].inOneAlphabet, index, index + 1)
                index += 1
            }
        }
        return view
    }

    func cleaned(of found: Set<UInt64>, words: Set<[UInt8]>, short: [[UInt8]]) -> String {
        var isSecret = [Bool](repeating: false, count: original.count)
        for view in views {
            for run in runs(of: found, in: view) where !stays(run, in: view, words) {
                let range = view.starts[run.lowerBound]..<view.ends[run.upperBound - 1]
                for index in range { isSecret[index] = true }
            }
        }
        markShort(short, &isSecret)
        guard isSecret.contains(true) else { return String(decoding: original, as: UTF8.self) }
        var result: [UInt8] = []
        for index in original.indices {
            if !isSecret[index] {
                result.append(original[index])
            } else if index == 0 || !isSecret[index - 1] {
                result += Array(SecretSearch.replacement.utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The longest stretches of which every window was found.
    private func runs(of found: Set<UInt64>, in view: View) -> [Range<Int>] {
        guard !found.isEmpty else { return [] }
        var runs: [Range<Int>] = []
        var end = SecretSearch.window - 1
        view.forEachGram { gram in
            end += 1
            guard found.contains(gram) else { return }
            let start = end - SecretSearch.window
            if let last = runs.last, start <= last.upperBound {
                runs[runs.count - 1] = last.lowerBound..<end
            } else {
                runs.append(start..<end)
            }
        }
        return runs
    }

    /// Whether a stretch is no more than a word.
    private func stays(_ run: Range<Int>, in view: View, _ words: Set<[UInt8]>) -> Bool {
        let piece = view.bytes[run]
        return piece.count < SecretSearch.plainLimit && piece.isPlainWord
            && !words.contains(Array(piece))
    }

    private func markShort(_ short: [[UInt8]], _ isSecret: inout [Bool]) {
        let bytes = views[0].bytes
        for secret in short where !secret[...].isPlainWord && secret.contains(where: \.isLetter) {
            guard bytes.count >= secret.count else { continue }
            for start in 0...(bytes.count - secret.count) {
                let end = start + secret.count
                guard bytes[start] == secret[0], bytes[start..<end].elementsEqual(secret),
                    start == 0 || !bytes[start - 1].isAlphanumeric,
                    end == bytes.count || !bytes[end].isAlphanumeric
                else { continue }
                for index in start..<end { isSecret[index] = true }
            }
        }
    }
}

extension ArraySlice<UInt8> {
    /// Letters of one case, a first capital aside, with nothing but separators between: a word or name
    /// as people write them, and not what a generator makes.
    fileprivate var isPlainWord: Bool {
        let separators = " +/.:,;@()'\"".utf8
        let isLower: (UInt8) -> Bool = { (0x61...0x7A).contains($0) }
        let isUpper: (UInt8) -> Bool = { (0x41...0x5A).contains($0) }
        guard allSatisfy({ isLower($0) || isUpper($0) || separators.contains($0) }) else {
            return false
        }
        return !dropFirst().contains(where: isUpper) || !contains(where: isLower)
    }
}
