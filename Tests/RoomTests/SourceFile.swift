import FoundationEssentials

/// One Swift file of the package, with its text split into what is code and what is not.
struct SourceFile: Sendable {
    /// Relative to the package ("Sources/Agent/AccountLoop.swift").
    let path: String
    /// The lines as they are.
    let lines: [String]
    /// The lines with comments and the insides of literals and raw identifiers blanked.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        code = CodeMask.applied(to: text)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The folder below Sources or Tests: the room.
    var room: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    var isTest: Bool { path.hasPrefix("Tests/") }

    /// `path:line` of every line of code that the pattern matches, with the line.
    func places(of pattern: Regex<some Any>) -> [String] {
        code.enumerated().filter { $0.element.contains(pattern) }.map { place($0.offset) }
    }

    /// `path:line: text` for a line's index.
    func place(_ index: Int) -> String {
        "\(path):\(index + 1): " + lines[index].drop { $0 == " " }
    }

    /// The modules that are imported, each with its line's index.
    var imports: [(module: String, line: Int)] {
        code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ").map(String.init)
            guard let position = words.firstIndex(of: "import"), position + 1 < words.count,
                words[..<position].allSatisfy({ importPrefixes.contains($0) || $0.hasPrefix("@") })
            else { return nil }
            let named = words[position + 1]
            return (String(named.split(separator: ".").first ?? ""), index)
        }
    }

    private var importPrefixes: [String] {
        ["package", "internal", "private", "fileprivate", "public"]
    }
}

/// The package's sources, read once.
enum SourceTree {
    static let root: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    static let files: [SourceFile] = swiftFiles(under: "Sources") + swiftFiles(under: "Tests")
    static let sources = files.filter { !$0.isTest }
    static let tests = files.filter(\.isTest)

    static func text(of path: String) -> String {
        guard let data = FileManager.default.contents(atPath: "\(root)/\(path)") else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Whether the package has the file or folder.
    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(root)/\(path)")
    }

    private static func swiftFiles(under folder: String) -> [SourceFile] {
        let names: [String]
        do {
            names = try FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")
        } catch {
            return []
        }
        return names.filter { $0.hasSuffix(".swift") }.sorted().map { name in
            let path = "\(folder)/\(name)"
            return SourceFile(path: path, text: text(of: path))
        }
    }
}
