import Testing

@Suite struct Habits {
    struct Ban: Sendable, CustomTestStringConvertible {
        let what: String
        let pattern: @Sendable () -> Regex<Substring>
        var exempt: Set<String> = []
        var inTests = false

        var testDescription: String { what }
    }

    /// What no source contains, with the rooms or files that may.
    static let bans: [Ban] = [
        Ban(
            what: "public and open",
            pattern: { /\b(?:public|open)\s+(?:final |static )*[a-z]+\b/ }
        ),
        Ban(what: "try!", pattern: { /\btry!/ }, inTests: true),
        Ban(what: "as!", pattern: { /\bas!/ }, inTests: true),
        // What the kernel refuses is an error like others: a program that traps tells nobody why.
        Ban(what: "traps", pattern: { /\b(?:fatalError|precondition|preconditionFailure)\(/ }),
        Ban(
            what: "unstructured tasks",
            pattern: { /\bTask(?:\.detached|\.init)?\s*[({]/ },
            // Where a synchronous main becomes the first task.
            exempt: ["Sources/Kernel/Time/MainLoop.swift"]
        ),
        Ban(what: "unsafe", pattern: { /\bunsafe\b/ }, exempt: Rooms.unsafe),
        Ban(
            what: "@unchecked Sendable",
            pattern: { /@unchecked\s+Sendable/ },
            exempt: uncheckedSendable
        ),
        Ban(
            what: "printing from a room",
            pattern: { /\b(?:print|debugPrint|dump)\(/ },
            exempt: Rooms.printing
        ),
        // A fact that decides is carried as a value; our own texts are for people, and may be worded anew.
        Ban(
            what: "decisions by what an error says",
            pattern: {
                /\b(?:message|reason|hint|description|detail|cause|warning)\??(?:\.lowercased\(\))?\.(?:contains|hasPrefix|hasSuffix|firstRange|parts)\b/
            },
            // These are AWS's words.
            exempt: ["Sources/TokenSources/Platforms/AWS/STSError.swift"]
        ),
        Ban(what: "conditional compilation", pattern: { /^\s*#if\b/ }),
    ]

    /// Each with its reason in its doc comment.
    static let uncheckedSendable: Set<String> = []

    @Test(arguments: bans)
    func `no source contains`(ban: Ban) {
        let files = ban.inTests ? SourceTree.files : SourceTree.sources
        let offences = files.filter {
            !ban.exempt.contains($0.room) && !ban.exempt.contains($0.path)
        }.flatMap { $0.places(of: ban.pattern()) }
        #expect(offences.isEmpty, "\(ban.what): \(listed(offences))")
    }

    @Test func `no test sleeps`() {
        let offences = SourceTree.tests.flatMap {
            $0.places(of: /\b(Thread\.sleep|Task\.sleep|usleep|nanosleep)\s*\(/)
        }
        #expect(offences.isEmpty, "\(listed(offences))")
    }

    @Test func `a file has at most 400 lines`() {
        let offences = SourceTree.files.filter { $0.lines.count > 401 }
            .map { "\($0.path): \($0.lines.count - 1) lines" }
        #expect(offences.isEmpty, "\(listed(offences))")
    }

    @Test func `a function has at most 50 lines`() {
        let offences = SourceTree.files.flatMap { file in
            file.functions.filter { $0.length > 50 }
                .map { "\(file.place($0.line)) (\($0.length) lines)" }
        }
        #expect(offences.isEmpty, "\(listed(offences))")
    }

    @Test func `every door of a room says what it is for`() {
        let offences = SourceTree.sources.flatMap(\.undocumented)
        #expect(offences.isEmpty, "\(listed(offences))")
    }
}

extension SourceFile {
    /// `package` types and functions without a doc comment.
    ///
    /// Properties and initializers are left to their judge: where name and type say all, a comment
    /// would say it twice. So are functions that fulfil a protocol's requirement, described there.
    var undocumented: [String] {
        code.indices.filter { index in
            guard code[index].contains("package"),
                let match = code[index].firstMatch(of: Self.declaration),
                !Self.witnesses.contains(String(match.output.1))
            else { return false }
            return !isDocumented(index)
        }.map(place)
    }

    private static var declaration: Regex<(Substring, Substring)> {
        #/
        ^\s* (?: [@a-z]+ (?: \([^)]*\) )? \s+ )*
        package \s+ (?: [a-z]+ \s+ )*
        (?: func | struct | enum | class | protocol | actor | typealias ) \s+ ( [^(<:\s]+ )
        /#
    }

    /// Requirements of ``ByteStream``, ``Timekeeper``, ``HTTPTransport``, ``ExchangeWorker``, ``StatusRecord``
    /// and the standard library's protocols.
    private static let witnesses: Set<String> = [
        "read", "write", "close", "sleep", "send", "run", "visit", "==", "hash",
    ]

    private func isDocumented(_ index: Int) -> Bool {
        let above = lines[..<index].last { !$0.drop { $0 == " " }.hasPrefix("@") }
        return above?.drop { $0 == " " }.hasPrefix("///") ?? false
    }
}
