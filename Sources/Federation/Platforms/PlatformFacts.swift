import Text

/// Everything that the domain knows of one platform: what its file in this folder says.
package struct PlatformFacts: Sendable {
    /// What says that this is the platform, the most telling first: the first one that is there counts.
    package var signs: [PlatformSign] = []
    /// Whether the machine itself has the identity, and anything on it may ask; else a job or a pod has it.
    package var isMachine = false
    /// When `auto` asks the platform, and for what.
    package var automatic = AutomaticRule.whereSigned
    /// The source that `auto` asks alone, where the service trusts this issuer.
    var soleSource: @Sendable (_ issuer: String) -> TokenSource? = { _ in nil }
    /// The variables that it reads beside those of its signs. One that ends in `*` stands for all that
    /// begin so.
    var otherVariables: [String] = []
    /// Reads the options beside `provider`.
    var parse: @Sendable (inout KeyedValues) throws(AccountError) -> TokenSource
    /// The variable that the options name, which is on no list of allowed ones.
    var namedVariable: @Sendable (TokenSource) -> String? = { _ in nil }
    /// Whether getting a token starts a program, given the requester's environment.
    var startsPrograms: @Sendable (TokenSource, [String: String]) -> Bool = { _, _ in false }
    /// Whether getting a token connects to a Unix socket.
    var unixSocket: @Sendable (TokenSource) -> Bool = { _ in false }
    /// Whether getting a token reads files beside the system's own, given the requester's environment.
    var readsFiles: @Sendable ([String: String]) -> Bool = { _ in false }
    /// The files that it reads in the user's home, and the variable that names another in place of each.
    package var homeFiles: [(path: String, variable: String)] = []
    /// The file in which something else keeps the token fresh.
    var rotatingFile: @Sendable (TokenSource) -> String? = { _ in nil }
    /// Other words that people have for it, without hyphens and in lower case.
    var otherWords: Set<String> = []
    /// What its machines are called, where the machine itself has the identity.
    package var machineTitle: String?
    /// How its metadata service is asked, where a plain GET without more is refused.
    package var metadataRule: MetadataRule?
    /// The variable that names a pod's token, and those that go with it.
    package var podFile: (variable: String, others: [String])?
    /// What a shell tells of why its source gave no token, and what to do then.
    package var remark: @Sendable (SourcePlace) -> (text: String, hint: String)? = { _ in nil }
    /// What to do where the token that a job was given at its start is too old; `nil` where another is to be
    /// had.
    package var jobTokenAdvice: String?
    /// The issuers that every service knows.
    package var issuers: KnownIssuers?
    /// Tokens of the platform's that are taken for identity tokens by mistake.
    var otherTokens: OtherTokens?
    /// How templates are marked that the platform's own files have, and where alone it replaces them.
    package var template: (mark: String, rule: String)?
    /// What is known of its tokens, where that is more than their issuer.
    package var tokens: TokenFacts?

    /// The variables that send the questions elsewhere than to the platform's own address.
    package var overrides: [String] {
        signs.flatMap { sign -> [String] in
            if case .override(let names) = sign { names } else { [] }
        }
    }

    /// The variables of a requester's environment that a job may carry for this platform.
    package var variables: [String] {
        signs.flatMap(\.variables) + automatic.signs.flatMap(\.variables) + otherVariables
    }
}

/// How the metadata service of a platform's machines wants to be asked.
package struct MetadataRule: Sendable {
    /// What its paths begin with.
    package let path: String
    /// The header that each request must have; `nil` where that is a token that is asked for first.
    package let header: (name: String, value: String)?
}

/// Tokens of a platform that prove nothing to others, such as those for its own API.
struct OtherTokens: Sendable {
    /// What they begin with.
    let marks: [String]
    /// What they are; a sentence.
    let text: String
    /// What to use in their place.
    let hint: String
}

/// Where a token source was asked in vain, as a shell shows it.
package struct SourcePlace: Sendable {
    let environment: [String: String]
    /// A file's text; `nil` where it cannot be read.
    let text: @Sendable (String) -> String?
    let isThere: @Sendable (String) -> Bool
    /// What the source advised.
    let advice: String?

    package init(
        environment: [String: String],
        advice: String?,
        text: @escaping @Sendable (String) -> String?,
        isThere: @escaping @Sendable (String) -> Bool
    ) {
        (self.environment, self.advice) = (environment, advice)
        (self.text, self.isThere) = (text, isThere)
    }

    /// For a job's variables that sudo has taken away from the command; `nil` where it was not started so, or
    /// one of them is there.
    package func underSudo(_ names: [String]) -> (text: String, hint: String)? {
        guard let who = environment["SUDO_USER"], environment["SUDO_UID"] != nil, !names.isEmpty,
            !names.contains(where: { environment[$0]?.isEmpty == false })
        else { return nil }
        let list = names.joined(separator: ",")
        return (
            "sudo started this command (SUDO_USER is \(who.printable)), and hands on none of the job's variables",
            "run it without sudo; or keep the variables: sudo --preserve-env=\(list) wif-agent ..."
        )
    }

    /// For a pod's variables where no pod is.
    func foreignFile(_ file: (variable: String, others: [String])) -> (text: String, hint: String)?
    {
        guard let path = environment[file.variable], !path.isEmpty, !isThere(path), !isPod else {
            return nil
        }
        let names = [file.variable] + file.others.filter { environment[$0] != nil }
        return (
            "\(file.variable) is a variable of pods, and nothing says that this is one",
            "unset \(names.joined(separator: ", ")), if they were copied from a pod: then this machine's own identity is"
                + " asked for; if this is a pod, mount the volume with the token at \(path.printable)"
        )
    }
}

extension PlatformFacts {
    /// Of most CI systems that give a job one token.
    static let jobToken =
        "the job's token was made when the job began, and is not made anew: get the credential at the job's"
        + " beginning (wif-agent exec around all that needs it), or in a later job of its own"
}

/// Something on a machine or in its environment that tells of a platform.
package enum PlatformSign: Sendable {
    /// Any of the variables is set.
    case variable([String])
    /// All of the variables are set.
    case variables([String])
    /// The variable holds the value.
    case value(String, String)
    /// A variable sends the questions elsewhere; then what the machine is says nothing.
    case override([String])
    /// The machine's firmware names its maker.
    case firmware(Firmware)
    /// A regular file is there.
    case file(String)

    /// Whose machine it is.
    package enum Firmware: Sendable {
        case google, microsoft, amazon
    }

    /// Any of the variables is set.
    static func variable(_ names: String...) -> PlatformSign { .variable(names) }

    /// The variables that it looks at.
    var variables: [String] {
        switch self {
        case .variable(let names), .variables(let names), .override(let names): names
        case .value(let name, _): [name]
        case .firmware, .file: []
        }
    }
}

/// When `auto` asks a platform.
package enum AutomaticRule: Sendable {
    /// Everywhere; not where the variable holds the value.
    case always(unless: (variable: String, value: String)? = nil)
    /// Where one of the platform's signs is there.
    case whereSigned
    /// Where one of these signs is there; by this name, and for this.
    case whereFound([PlatformSign], name: String, source: TokenSource)
    case never

    fileprivate var signs: [PlatformSign] {
        switch self {
        case .always, .whereSigned, .never: []
        case .whereFound(let signs, _, _): signs
        }
    }
}

extension TokenPlatform {
    /// The source without options; `nil` where it needs one.
    package var plainSource: TokenSource? {
        do throws(AccountError) {
            var options = try KeyedValues([:], at: "")
            return try facts.parse(&options)
        } catch {
            return nil
        }
    }
}

extension TokenPlatform {
    /// The source that `auto` asks alone, where the service trusts this issuer; `nil` where it asks
    /// several.
    package static func soleSource(of issuer: String?) -> TokenSource? {
        guard let issuer else { return nil }
        return allCases.lazy.compactMap { $0.facts.soleSource(issuer) }.first
    }
}

extension TokenSource {
    /// The provider that stands for every platform.
    static let automaticWord = "auto"

    /// The providers this program knows, as the account file names them.
    package static let providers =
        ([automaticWord] + TokenPlatform.allCases.map(\.rawValue)).sorted()

    /// The source that a provider's word names, without options; `nil` for a word that names none, and
    /// for one that needs an option.
    package init?(provider: String) {
        if provider == Self.automaticWord {
            self = .automatic
        } else if let plain = TokenPlatform(rawValue: provider)?.plainSource {
            self = plain
        } else {
            return nil
        }
    }

    /// The word for it in logs and status.
    package var name: String {
        switch kind {
        case .platform(let platform): platform.rawValue
        case .other(let word): word
        }
    }

    var facts: PlatformFacts? {
        switch kind {
        case .platform(let platform): platform.facts
        case .other: nil
        }
    }

    /// Whether getting a token from it starts a program, given the requester's environment. Such jobs
    /// need a worker of their own (`wif-exchange --programs`).
    package func runsPrograms(in environment: [String: String]) -> Bool {
        if case .executable = self { return true }
        return facts?.startsPrograms(self, environment) ?? false
    }

    /// The variable that the account file names, which is on no list of allowed ones.
    package var namedVariable: String? {
        if case .environment(let name) = self { return name }
        return facts?.namedVariable(self)
    }

    /// The file in which something else keeps the token fresh, where that is where the token is.
    package var rotatingFile: (path: String, format: TokenFormat)? {
        if case .file(let path, let format) = self { return (path, format) }
        return facts?.rotatingFile(self).map { ($0, .text) }
    }
}
