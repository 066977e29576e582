import Testing

@Suite struct Imports {
    @Test func `every folder is a room that the table knows`() {
        #expect(!SourceTree.sources.isEmpty, "no sources under \(SourceTree.root)")
        let strangers = SourceTree.sources.filter { Rooms.dependencies[$0.room] == nil }.map(\.path)
        #expect(strangers == [], "not in Rooms.swift")
    }

    @Test(arguments: Rooms.dependencies.keys.sorted())
    func `the manifest gives a room what the table says`(room: String) throws {
        let manifest = SourceTree.text(of: "Package.swift")
        let expression = try Regex(
            #"arget\(\s*name: "\#(room)"(?:,\s*dependencies: \[([^\]]*)\])?"#,
            as: (Substring, Substring?).self
        )
        let match = try #require(manifest.firstMatch(of: expression), "\(room) is no target")
        let names = (match.output.1 ?? "").matches(of: /"([^"]+)"/).map { String($0.output.1) }
        #expect(Set(names) == Rooms.dependencies[room])
    }

    @Test func `a room imports what it depends on and nothing else`() {
        let offences = SourceTree.sources.flatMap { file in
            let allowed = Rooms.dependencies[file.room, default: []].union(Rooms.toolchain)
            return file.imports.filter { name, _ in
                !allowed.contains(name) && Rooms.doors[name]?.contains(file.room) != true
            }.map { file.place($0.line) }
        }
        #expect(offences.isEmpty, "\(listed(offences))")
    }

    @Test(arguments: Rooms.agentSide)
    func `no network library is within reach of the process that lives for months`(room: String) {
        let network: Set = ["HTTP", "Crypto", "CLibcurl", "COpenSSL", "TokenSources", "Exchanges"]
        #expect(Rooms.reachable(from: room).isDisjoint(with: network))
    }

    @Test(arguments: Rooms.doors.keys.sorted())
    func `a C library has one door`(module: String) {
        let offences = SourceTree.sources.flatMap { file in
            file.imports.filter { name, _ in
                name == module && Rooms.doors[module]?.contains(file.room) != true
            }.map { file.place($0.line) }
        }
        #expect(offences.isEmpty, "\(listed(offences))")
    }

    @Test func `nobody imports Foundation or XCTest`() {
        let offences = SourceTree.files.flatMap { file in
            file.imports.filter { ["Foundation", "XCTest"].contains($0.module) }
                .map { file.place($0.line) }
        }
        #expect(offences.isEmpty, "\(listed(offences))")
    }
}

/// Places one a line, for a failure that can be clicked through.
func listed(_ places: [String]) -> String {
    (["\(places.count) offending:"] + places).joined(separator: "\n")
}
