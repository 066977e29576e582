/// An element of an XML reply, with no more of XML than AWS's token service uses: elements, text, the
/// five named entities and character references. No document type, so no entity is ever defined.
package struct XMLElement: Equatable, Sendable {
    /// Without its prefix.
    package let name: String
    package private(set) var children: [XMLElement] = []
    /// Its own text, unescaped; empty for one that has children.
    package private(set) var text = ""

    /// The first child of each name in turn.
    package subscript(path: String...) -> XMLElement? {
        var element: XMLElement? = self
        for name in path { element = element?.children.first { $0.name == name } }
        return element
    }

    /// - Throws: ``XMLError`` for what is not well-formed, nested deeper than 32, or uses more of XML.
    package init(parsing bytes: [UInt8]) throws(XMLError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw XMLError(reason: "it is not UTF-8")
        }
        var reader = XMLReader(rest: text[...])
        self = try reader.document()
    }

    fileprivate init(name: String, children: [XMLElement], text: String) {
        self.name = name
        self.children = children
        self.text = children.isEmpty ? text : ""
    }
}

/// Why a text is no XML that is read here.
package struct XMLError: Error, Equatable {
    package let reason: String

    package init(reason: String) {
        self.reason = reason
    }
}

private struct XMLReader {
    private static let maximalDepth = 32

    var rest: Substring

    mutating func document() throws(XMLError) -> XMLElement {
        skipSpace()
        if rest.hasPrefix("\u{FEFF}") { rest.removeFirst() }
        if rest.hasPrefix("<?xml") { _ = try take(through: "?>") }
        skipSpace()
        let root = try element(depth: 0)
        skipSpace()
        guard rest.isEmpty else { throw XMLError(reason: "something follows the root element") }
        return root
    }

    private mutating func element(depth: Int) throws(XMLError) -> XMLElement {
        guard depth < Self.maximalDepth else { throw XMLError(reason: "it is nested too deeply") }
        guard rest.popFirst() == "<" else { throw XMLError(reason: "an element is expected") }
        var tag = try take(through: ">")
        let isEmpty = tag.last == "/"
        if isEmpty { tag.removeLast() }
        let name = tag.prefix { !$0.isWhitespace }
        guard Self.isName(name) else { throw XMLError(reason: "an element's name is not one") }
        let local = String(name.split(separator: ":").last ?? name)
        if isEmpty { return XMLElement(name: local, children: [], text: "") }
        var children: [XMLElement] = []
        var text = ""
        while !rest.hasPrefix("</") {
            if rest.first == "<" {
                children.append(try element(depth: depth + 1))
            } else {
                text += try characters()
            }
        }
        rest.removeFirst(2)
        let end = String(try take(through: ">")).trimmed
        guard end == name else {
            throw XMLError(reason: "the element \(local.printable) does not end")
        }
        return XMLElement(name: local, children: children, text: text)
    }

    private mutating func characters() throws(XMLError) -> String {
        let raw = rest.prefix { $0 != "<" }
        rest = rest[raw.endIndex...]
        guard !rest.isEmpty else { throw XMLError(reason: "it ends too early") }
        var pieces = raw.split(separator: "&", omittingEmptySubsequences: false)[...]
        var text = String(pieces.popFirst() ?? "")
        for piece in pieces {
            guard let end = piece.firstIndex(of: ";"), let value = Self.entity(piece[..<end]) else {
                throw XMLError(reason: "an entity is not known")
            }
            text += value + piece[piece.index(after: end)...]
        }
        return text
    }

    private static func entity(_ name: Substring) -> String? {
        let named = ["lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'"]
        if let text = named[String(name)] { return text }
        guard name.hasPrefix("#") else { return nil }
        let isHexadecimal = name.hasPrefix("#x")
        let digits = name.dropFirst(isHexadecimal ? 2 : 1)
        guard digits.first?.isHexDigit == true,
            let number = UInt32(digits, radix: isHexadecimal ? 16 : 10),
            let scalar = Unicode.Scalar(number), number != 0
        else { return nil }
        return String(Character(scalar))
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.first, first.isLetter || first == "_" else { return false }
        return text.allSatisfy { $0.isLetter || $0.isNumber || "._-:".contains($0) }
    }

    private mutating func take(through mark: String) throws(XMLError) -> Substring {
        var taken = rest.startIndex
        while taken < rest.endIndex, !rest[taken...].hasPrefix(mark) {
            taken = rest.index(after: taken)
        }
        guard taken < rest.endIndex else { throw XMLError(reason: "it ends too early") }
        let text = rest[..<taken]
        rest = rest[taken...].dropFirst(mark.count)
        return text
    }

    private mutating func skipSpace() {
        rest = rest.drop { $0.isWhitespace }
    }
}
