import Testing

/// What is known of a platform stands in its own files and the lists, and nowhere else.
@Suite struct `One platform, one file` {
    /// The rooms in which a platform has a file, each with the list that names it.
    static let rooms = [
        "Federation": "Sources/Federation/Platforms/TokenPlatform.swift",
        "TokenSources": "Sources/TokenSources/TokenSources.swift",
        "wif-emulator": "Sources/wif-emulator/Platforms/PlayedPlatform.swift",
    ]

    /// Files that have a platform's word for something else, with what that is.
    static let otherMeanings: [String: [String: String]] = [
        "gitlab": [
            "Sources/Policy/Trust/BrightPreset.swift": "Bright's form for it"
        ],
        "bitbucket": [
            "Sources/Policy/Trust/BrightPreset.swift": "Bright's form for it"
        ],
        "circleci": [
            "Sources/Policy/Trust/BrightPreset.swift": "Bright's form for it"
        ],
        "kubernetes": [
            "Sources/Policy/Trust/ClaimMapping.swift": "the nested claim of Mondoo's page",
            "Sources/wif-agent/Helpers/Kubectl.swift": "a client that asks for a credential",
            "Sources/Worker/Deliveries/FoundSecret.swift": "a Secret to deliver to",
            "Sources/Worker/Deliveries/SecretDelivery.swift": "a Secret to deliver to",
            "Sources/wif-agent/Help/ManualPage.swift": "the name of a manual page",
        ],
        "gcp": ["Sources/wif-emulator/Usage.swift": "prose and examples"],
        "azure": [
            "Sources/Policy/Trust/Advice.swift": "what Mondoo's page has for it",
            "Sources/Policy/Trust/MondooSubject.swift": "what Mondoo's page has for it",
            "Sources/Policy/Trust/Trust+Judging.swift": "what Mondoo's page has for it",
            "Sources/wif-emulator/Services/AccountFiles.swift": "its resources are its own",
            "Sources/wif-emulator/Services/GoogleSTS.swift": "its resources are its own",
            "Sources/wif-emulator/Usage.swift": "prose and options of the platform's own",
            "Sources/wif-emulator/Options.swift": "options of the platform's own",
            "Sources/Diagnosis/TokenSteps.swift": "a token for its management is a live key",
            "Sources/wif-agent/Doctor/ConsumerSteps.swift": "a variable that other programs read",
            "Sources/Federation/Platforms/AzurePipelines.swift": "the same vendor",
            "Sources/wif-emulator/Platforms/AzurePipelines.swift": "the same vendor",
        ],
        "github": [
            "Sources/Exchanges/Services/OctoSTS.swift": "it gives tokens for GitHub's API",
            "Sources/Policy/Trust/BrightPreset.swift": "Bright's form for it",
            "Sources/Policy/Trust/GitHubSubject.swift": "its two forms of subject",
            "Sources/Policy/Trust/TokenFacts+Names.swift": "its two forms of subject",
            "Sources/Policy/Trust/MondooSubject.swift": "what Mondoo's page has for it",
            "Sources/wif-emulator/Usage.swift": "prose",
            "Sources/wif-emulator/Platforms/CircleCI.swift": "the address of a repository",
            "Sources/wif-emulator/Services/ServiceTrusts.swift": "a URL that is an audience",
            "Sources/Federation/AccountName.swift": "variables that no output sets",
            "Sources/wif-agent/Commands/Get.swift": "a format, for the later steps of a job",
            "Sources/wif-agent/Commands/GitHubJob.swift": "a format, for the later steps of a job",
        ],
        "aws": [
            "Sources/Exchanges/Exchange.swift": "the service of the same name",
            "Sources/Federation/KeyGuess.swift": "the service of the same name",
            "Sources/Federation/ValueSynonyms.swift": "the service of the same name",
            "Sources/wif-agent/Doctor/ConsumerSteps.swift": "the service of the same name",
            "Sources/Exchanges/Refusal.swift": "the service of the same name",
            "Sources/Exchanges/Services/AWSRole.swift": "the service of the same name",
            "Sources/Exchanges/Services/AWSRole+Refusals.swift": "the service of the same name",
            "Sources/Exchanges/Services/Google.swift": "Google takes AWS's signed requests",
            "Sources/Exchanges/Intermediaries.swift": "a firewall of the same vendor",
            "Sources/Federation/AccountIdentity.swift": "the service of the same name",
            "Sources/Federation/Credential+Contents.swift": "the service's variables",
            "Sources/Federation/Services/AWSRole.swift": "the service of the same name",
            "Sources/Federation/Services/RoleName.swift": "the service of the same name",
            "Sources/Federation/Services/ServiceName.swift": "the service of the same name",
            "Sources/Federation/TokenSource+Parsing.swift": "Google's files name it otherwise",
            "Sources/wif-emulator/Roles.swift": "the service of the same name",
            "Sources/wif-emulator/Services/GoogleSTS.swift": "Google takes AWS's signed requests",
            "Sources/Exchanges/Services/Mondoo/MondooRefusal.swift":
                "Mondoo takes AWS's signed requests",
            "Sources/Policy/Trust/MondooSubject.swift": "Mondoo's aws_claims",
            "Sources/Federation/Services/Mondoo.swift": "Mondoo takes AWS's signed requests",
            "Sources/wif-emulator/Services/AccountFiles.swift": "its role is the account's subject",
            "Sources/wif-emulator/Usage.swift": "prose",
            "Sources/wif-emulator/Services/Mondoo.swift": "Mondoo takes AWS's signed requests",
            "Sources/wif-emulator/Services/MondooAWS.swift": "Mondoo takes AWS's signed requests",
            "Sources/wif-emulator/Services/MondooGraphQL.swift":
                "Mondoo takes AWS's signed requests",
            "Sources/wif-emulator/Services/ServiceTrusts.swift":
                "Mondoo takes AWS's signed requests",
            "Sources/Policy/Trust/Trust+Parsing.swift": "Mondoo's aws_claims",
            "Sources/Policy/Trust/Advice.swift": "Mondoo's aws_claims",
            "Sources/Policy/Trust/ClaimMapping.swift": "Mondoo's aws_claims",
            "Sources/wif-agent/Commands/Claims.swift": "Mondoo's aws_claims",
            "Sources/wif-agent/Provider/Provider.swift": "Mondoo's aws_claims",
            "Sources/wif-agent/Helpers/HelperProtocol.swift": "SDKs that ask for a credential",
            "Sources/wif-agent/Helpers/AWS.swift": "SDKs that ask for a credential",
            "Sources/Diagnosis/AccountProbe.swift": "whose signature it is",
            "Sources/Worker/JobRunner.swift": "a signature is dated by this machine's clock",
        ],
    ]

    struct Platform: Sendable, CustomTestStringConvertible {
        /// The case's name in Swift.
        let name: String
        /// The account file's word.
        let word: String

        var testDescription: String { word }
    }

    static let platforms: [Platform] = {
        let text = SourceTree.text(of: rooms["Federation"] ?? "")
        let list = text.split(separator: "enum TokenPlatform")[1].split(separator: "\n\n")[0]
        return list.matches(of: /case (\w+)(?: = "([^"]+)")?/).map { match in
            let name = String(match.output.1)
            return Platform(name: name, word: match.output.2.map(String.init) ?? name)
        }
    }()

    /// Where the platforms' words stand, comments left out: they may name an example. A hyphen belongs to a
    /// word, an underscore parts two.
    static let uses: [String: [(file: SourceFile, line: Int)]] = {
        let words = Set(platforms.flatMap { [$0.word, $0.name.lowercased()] })
        var uses: [String: [(file: SourceFile, line: Int)]] = [:]
        for file in SourceTree.sources {
            for (index, line) in file.lines.enumerated() where !isComment(line) {
                for word in line.utf8.split(whereSeparator: { !isPartOfWord($0) }) {
                    let word = String(decoding: word, as: UTF8.self).lowercased()
                    if words.contains(word) { uses[word, default: []].append((file, index)) }
                }
            }
        }
        return uses
    }()

    private static func isComment(_ line: String) -> Bool {
        line.utf8.drop { $0 == UInt8(ascii: " ") }.starts(with: "//".utf8)
    }

    private static func isPartOfWord(_ byte: UInt8) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return letters.contains(byte | 0x20) || digits.contains(byte) || byte == UInt8(ascii: "-")
    }

    @Test func `the list is found`() {
        #expect(Self.platforms.count >= 15)
        #expect(Self.platforms.contains { $0.word == "azure-pipelines" })
        #expect(Set(Self.uses.keys).isSuperset(of: Self.platforms.map(\.word)))
    }

    @Test(arguments: platforms)
    func `its word stands in its own files and the lists alone`(platform: Platform) {
        let allowed = Self.otherMeanings[platform.word, default: [:]]
        let offences = [platform.word, platform.name.lowercased()].flatMap {
            Self.uses[$0, default: []]
        }.filter { file, _ in
            !Self.rooms.values.contains(file.path) && !isOwn(file, platform)
                && allowed[file.path] == nil
        }.map { file, line in file.place(line) }
        #expect(offences.isEmpty, "\(listed(offences))")
    }

    @Test(arguments: platforms)
    func `it has a file or a folder in each room`(platform: Platform) {
        let rooms = SourceTree.sources.filter { isOwn($0, platform) }.map(\.room)
        // The emulator plays what has an outside; a file that a helper writes has none.
        let expected = platform.word == "spiffe" ? ["Federation", "TokenSources"] : nil
        #expect(Set(rooms) == Set(expected ?? Self.rooms.keys.sorted()))
    }

    private func isOwn(_ file: SourceFile, _ platform: Platform) -> Bool {
        let parts = file.path.split(separator: "/")
        guard parts.count >= 4, parts[2] == "Platforms", Self.rooms[file.room] != nil else {
            return false
        }
        let name = parts[3].split(separator: ".")[0]
        return name.lowercased() == platform.name.lowercased()
    }
}
