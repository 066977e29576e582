extension String {
    /// Text from elsewhere made fit for a message: what looks like a token becomes `<redacted>`, since
    /// a peer may quote what it was sent; control characters and invalid bytes become `?`, line breaks
    /// a space, and what exceeds 300 characters is cut.
    package var printable: String {
        let text = redacted
        var result = ""
        for scalar in text.unicodeScalars.prefix(301) {
            switch scalar {
            case "\n", "\r", "\t": result += " "
            case _ where scalar.properties.generalCategory.isUnprintable: result += "?"
            default: result.unicodeScalars.append(scalar)
            }
        }
        let isWhole = text.unicodeScalars.dropFirst(300).isEmpty
        return isWhole ? result : String(result.prefix(300)) + "…"
    }

    /// The text as the other process made it, already cut, without what steers a terminal: control
    /// characters but line feeds become `?`.
    package var withoutControls: String {
        let isSteering: (Unicode.Scalar) -> Bool = {
            $0 != "\n" && $0.properties.generalCategory.isUnprintable
        }
        guard unicodeScalars.contains(where: isSteering) else { return self }
        let scalars = unicodeScalars.map { isSteering($0) ? "?" as Unicode.Scalar : $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    /// A text as the other process made it, cut should that not have been done: of each line 600
    /// characters are left, of its lines 32; what steers a terminal becomes `?`.
    package var bounded: String {
        // A hundred scalars that make one character are a hundred here.
        var result = String.UnicodeScalarView()
        var (lines, column) = (1, 0)
        for scalar in unicodeScalars {
            if scalar == "\n" {
                guard lines < Self.mostLines else { break }
                (lines, column) = (lines + 1, 0)
                result.append(scalar)
                continue
            }
            column += 1
            switch column {
            case ...Self.longestLine:
                result.append(scalar.properties.generalCategory.isUnprintable ? "?" : scalar)
            case Self.longestLine + 1: result.append("…")
            default: break
            }
        }
        return String(result)
    }

    private static let longestLine = 600
    private static let mostLines = 32

    /// The text with long runs of base64 characters, mixed as only encoded bytes are, left out.
    private var redacted: String {
        var result: [UInt8] = []
        var run: [UInt8] = []
        func endRun() {
            result += run.looksEncoded ? Array("<redacted>".utf8) : run
            run = []
        }
        // What is cut off anyway is not looked at, but for the end of a run.
        for byte in utf8.prefix(2048) {
            if byte.isBase64 {
                run.append(byte)
            } else {
                endRun()
                result.append(byte)
            }
        }
        endRun()
        return String(decoding: result, as: UTF8.self)
    }

    /// The text without ASCII white space at both ends.
    package var trimmed: String {
        let isSpace: (Character) -> Bool = { $0.isASCII && $0.isWhitespace }
        guard let first = firstIndex(where: { !isSpace($0) }),
            let last = lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[first...last])
    }
}

extension UInt8 {
    /// Whether it stands in base64 or base64url text; `/` separates, as in paths and names.
    fileprivate var isBase64: Bool {
        isLower || isUpper || isDigit || "+-_=".utf8.contains(self)
    }

}

extension [UInt8] {
    fileprivate var looksEncoded: Bool {
        count >= 40 && contains(where: \.isLower) && contains(where: \.isUpper)
            && contains(where: \.isDigit)
    }
}

extension Unicode.GeneralCategory {
    /// Whether a terminal or a log had better not be shown it.
    var isUnprintable: Bool {
        switch self {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            true
        default: false
        }
    }
}
