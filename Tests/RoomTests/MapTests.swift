import Testing

/// The READMEs beside the code name files and functions; a name that moved is a wrong map.
struct MapTests {
    struct Map: CustomTestStringConvertible, Sendable {
        let path: String
        let folder: String
        var testDescription: String { path }
    }

    static let maps = [
        Map(path: "Sources/README.md", folder: "Sources"),
        Map(path: "Tests/README.md", folder: "Tests"),
    ]

    @Test(arguments: maps) func `names files and folders that exist`(map: Map) {
        let text = SourceTree.text(of: map.path)
        let named = quoted(in: text).filter { $0.contains("/") && !$0.contains(" ") }
        #expect(named.count >= 5)
        let missing = named.filter { name in
            !["", "\(map.folder)/"].contains { SourceTree.exists($0 + name) }
        }
        #expect(missing == [])
    }

    @Test func `names functions and types that the file beside them declares`() {
        let text = SourceTree.text(of: "Sources/README.md")
        var rows = 0
        for line in text.split(separator: "\n") where line.hasPrefix("| ") {
            let names = quoted(in: String(line))
            guard names.count >= 2, let file = names.last, file.contains(".") else { continue }
            rows += 1
            let name = names[names.count - 2]
            let isDeclared = declares(name, SourceTree.text(of: "Sources/" + file))
            #expect(isDeclared, "\(file) declares no \(name)")
        }
        #expect(rows >= 20)
    }

    @Test(arguments: [
        ("handle(", "mutating func handle(event: Event)", true),
        ("handle(", "/// `handle(event)`", false),
        ("Account", "extension Account {", true),
        ("Log", "struct Log: Sendable", true),
        ("Log", "struct LogEvent", false), ("wif_go(", "int wif_go(int x) {", true),
        ("wif_go(", "    return wif_go(x);", false), ("window", "static let window = 1", true),
    ])
    func `a declaration is told from a mention`(name: String, line: String, isOne: Bool) {
        #expect(declares(name, line) == isOne)
    }

    /// Whether a line of the source declares the name: a function's ends with its opening bracket.
    private func declares(_ name: String, _ source: String) -> Bool {
        let kinds = ["func", "struct", "enum", "class", "var", "let", "extension"]
        let stem = name.split(separator: "(").first.map(String.init) ?? name
        return source.split(separator: "\n").contains { line in
            let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            guard let place = words.firstIndex(of: Substring(stem)), place > 0 else { return false }
            // In C a function's line begins with its type.
            return kinds.contains(String(words[place - 1]))
                || (!line.hasPrefix(" ") && line.hasSuffix("{"))
        }
    }

    /// What stands between single backquotes.
    private func quoted(in text: String) -> [String] {
        text.split(separator: "\n").filter { !$0.hasPrefix("```") }.flatMap { line in
            line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }
    }
}
