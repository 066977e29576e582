import Text

/// An account that stands inside of another document, as manifests and exports of secret stores hold it.
struct WrappedAccount {
    private enum Step {
        case member(String)
        case element(Int)
        /// JSON as the text of a string.
        case text
        /// The same in base64.
        case base64
    }

    private let steps: [Step]
    /// What the document is, as it says itself; `nil` where it does not.
    private let manifest: String?

    private static let maximalDepth = 6

    /// `nil` where the document holds no account, or is one itself.
    init?(in document: JSON) {
        guard let steps = Self.steps(to: document, depth: 0), !steps.isEmpty else { return nil }
        // Of the brackets alone the kind of value tells.
        if steps.count == 1, case .element = steps[0] { return nil }
        self.steps = steps
        manifest = document["apiVersion"] == nil ? nil : document["kind"]?.string
    }

    private static func steps(to value: JSON, depth: Int) -> [Step]? {
        guard depth < maximalDepth else { return nil }
        switch value {
        case .object(let members):
            if members["type"]?.string == "external_account" { return [] }
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                if let rest = steps(to: member, depth: depth + 1) { return [.member(name)] + rest }
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                if let rest = steps(to: element, depth: depth + 1) {
                    return [.element(index)] + rest
                }
            }
        case .string(let text):
            guard let inner = decoded(text), let rest = steps(to: inner.value, depth: depth + 1)
            else { return nil }
            return [inner.step] + rest
        case .null, .bool, .integer, .number: break
        }
        return nil
    }

    private static func decoded(_ text: String) -> (step: Step, value: JSON)? {
        let text = text.trimmed
        guard let first = text.first else { return nil }
        do throws(JSONError) {
            if "{[\"".contains(first) { return (.text, try JSON(parsing: text.utf8)) }
            guard let bytes = base64Decoded(String(text.filter { !$0.isWhitespace })),
                bytes.first == UInt8(ascii: "{")
            else { return nil }
            return (.base64, try JSON(parsing: bytes))
        } catch {
            return nil
        }
    }

    /// Whether it is what Mondoo's GraphQL API answers.
    var isReplyOfAPI: Bool {
        guard case .member(let first)? = steps.first, case .member(let last)? = steps.last else {
            return false
        }
        return last == "config" && (first == "data" || steps.count == 1)
    }

    /// Where the account is.
    var problem: String {
        let kind = manifest.map { "this is a manifest for a cluster (\($0.printable)): " } ?? ""
        var names: [String] = []
        var form = ""
        for step in steps {
            switch step {
            case .member(let name): names.append(name)
            case .element(let index): names.append("[\(index)]")
            case .text: form = ", as text in quotes"
            case .base64: form = ", in base64"
            }
        }
        guard !names.isEmpty else {
            return "\(kind)the account stands inside of a string\(form)"
        }
        let noun = names.count == 1 ? "name" : "names"
        let place = names.map { "\"\($0.printable)\"" }.joined(separator: ", ")
        return "\(kind)the account stands below the \(noun) \(place)\(form)"
    }

    /// The command that takes it out.
    ///
    /// - Parameter path: of the document.
    func hint(_ path: String) -> String {
        let command = "jq \(isEncoded ? "-r " : "")'\(filter)' \(path.printable)"
        let mount =
            manifest == nil
            ? "" : "; in a pod mount it as a volume, where each key is a file of its own"
        return "save the account alone, its {...} with \"type\" in it: \(command)\(mount)"
    }

    private var isEncoded: Bool {
        switch steps.last {
        case .text?, .base64?: true
        case .member?, .element?, nil: false
        }
    }

    private var filter: String {
        var filter = ""
        for (index, step) in steps.enumerated() {
            let isLast = index == steps.count - 1
            switch step {
            case .member(let name): filter += Self.selector(name, isFirst: filter.isEmpty)
            case .element(let index): filter += (filter.isEmpty ? "." : "") + "[\(index)]"
            case .text: filter += isLast ? "" : (filter.isEmpty ? "fromjson" : "|fromjson|.")
            case .base64:
                filter += (filter.isEmpty ? "" : "|") + "@base64d" + (isLast ? "" : "|fromjson|.")
            }
        }
        return filter.isEmpty ? "." : filter
    }

    /// `.name`, or `["na.me"]` for a name that jq does not take bare.
    private static func selector(_ name: String, isFirst: Bool) -> String {
        let isPlain = name.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isAlphabetic || $0 == "_")
        }
        if isPlain, !name.isEmpty { return ".\(name)" }
        let isQuotable = name.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && !"'\"\\".unicodeScalars.contains($0)
        }
        return (isFirst ? "." : "") + (isQuotable ? "[\"\(name.printable)\"]" : "[]")
    }
}
