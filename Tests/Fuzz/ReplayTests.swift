import Kernel
import Testing

/// What libFuzzer starts from, and what once failed; a failure of these ends the process.
@Suite struct `Parsers of foreign bytes` {
    @Test(arguments: Target.all.map(\.name))
    func `take every seed and whatever once failed`(name: String) throws {
        let target = try #require(Target.all.first { $0.name == name })
        let failures = try listDirectory(path(of: "Regressions"))
        for kind in ["Seeds"] + (failures.contains(name) ? ["Regressions"] : []) {
            let directory = path(of: "\(kind)/\(name)")
            let files = try listDirectory(directory)
            #expect(!files.isEmpty)
            for file in files {
                target.feed(try readFile("\(directory)/\(file)", limit: 1 << 20).bytes)
            }
        }
    }
}
