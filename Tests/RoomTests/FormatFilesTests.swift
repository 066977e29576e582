import Testing

/// What is known of a format or a helper protocol stands in its own file and the list, and nowhere else.
@Suite struct `One format, one file` {
    struct Kind: Sendable, CustomTestStringConvertible {
        let list: String
        let declaration: String
        /// Where its files are: a format of one service's own stands with the service.
        let folder: String
        let facts: String

        var testDescription: String { facts }
    }

    static let kinds = [
        Kind(
            list: "Sources/Federation/Formats/Format.swift",
            declaration: "enum Format: ",
            folder: "Sources/Federation/",
            facts: "FormatFacts"
        ),
        Kind(
            list: "Sources/wif-agent/Helpers/HelperProtocol.swift",
            declaration: "enum HelperProtocol: ",
            folder: "Sources/wif-agent/Helpers/",
            facts: "HelperFacts"
        ),
    ]

    @Test(arguments: kinds)
    func `each case of the list has a file that says what is known of it`(kind: Kind) {
        let text = SourceTree.text(of: kind.list)
        let body = text.split(separator: kind.declaration)[1].split(separator: "\n\n")[0]
        let names = body.matches(of: /case ([\w, ]+)/).flatMap {
            $0.output.1.split(separator: ", ").map(String.init)
        }
        #expect(names.count >= 5)
        let files = SourceTree.sources.filter { $0.path.hasPrefix(kind.folder) }
        for name in names {
            let owners = files.filter { file in
                file.lines.contains {
                    $0.hasPrefix("    static let \(name) = \(kind.facts)(")
                }
            }
            #expect(owners.count == 1, "\(name): \(owners.map(\.path))")
        }
    }
}
