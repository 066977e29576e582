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

    @Test func `names functions and types that stand in the file beside them`() {
        let text = SourceTree.text(of: "Sources/README.md")
        var rows = 0
        for line in text.split(separator: "\n") where line.hasPrefix("| ") {
            let names = quoted(in: String(line))
            guard names.count == 2, names[1].hasSuffix(".swift") else { continue }
            rows += 1
            let name = names[0].split(separator: ".").last.map(String.init) ?? names[0]
            let source = SourceTree.text(of: "Sources/" + names[1])
            let isThere = source.contains(name)
            #expect(isThere, "\(names[1]) has no \(name)")
        }
        #expect(rows >= 10)
    }

    /// What stands between single backquotes.
    private func quoted(in text: String) -> [String] {
        text.split(separator: "\n").filter { !$0.hasPrefix("```") }.flatMap { line in
            line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }
    }
}
