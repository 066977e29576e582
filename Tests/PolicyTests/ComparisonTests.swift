import Federation
import FoundationEssentials
import Testing
import Text

@testable import Policy

/// Run by compare.sh and conformance.sh in Comparison/, which make the file of cases.
@Suite struct ComparisonTests {
    static let file = ProcessInfo.processInfo.environment["WIF_POLICY_CASES"]

    @Test(.enabled(if: file != nil, "run by the scripts in Comparison"))
    func `CEL says the same elsewhere`() throws {
        let bytes = try Data(contentsOf: URL(filePath: try #require(Self.file)))
        let document = try JSON(parsing: bytes)
        let claims = try #require(document["claims"])
        var alone = 0
        var split = 0
        var absorbed = 0
        let cases = document["cases"]?.array ?? []
        for example in cases {
            let source = example["source"]?.string ?? ""
            let others = (example["results"]?.object ?? [:]).mapValues { value in
                let text = value.string ?? ""
                return text.count > 120 ? text.prefix(120) + "…" : text
            }
            let full = result(of: source, claims: claims)
            // One of the runtimes hands back an uint as an int.
            let ours = full.hasPrefix("error: ") ? "error" : full.replacing(/(\d)u/) { $0.output.1 }
            if others.values.allSatisfy({ $0 == ours }) { continue }
            // all() and exists() are chains of && and || (language definition, "Macros") and absorb
            // errors like them; the runtimes compared with do not.
            let absorbs =
                ours != "error" && (source.contains(".exists(") || source.contains(".all("))
            if others.values.contains(ours) {
                split += 1
            } else if absorbs && others.values.allSatisfy({ $0 == "error" }) {
                absorbed += 1
            } else {
                alone += 1
                Issue.record("\(source)\n  here: \(full)\n  there: \(others)")
            }
        }
        #expect(!cases.isEmpty)
        #expect(alone == 0, "of \(cases.count): \(split) with one only, \(absorbed) absorbed")
    }
}
