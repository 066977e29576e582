import Federation
import Kernel
import Text

/// The profiles of AWS's two shared files.
struct AWSProfiles: Sendable {
    /// By name, of the configuration file.
    let config: [String: [String: String]]
    /// By name, of the credentials file.
    let credentials: [String: [String: String]]
    /// Of all profiles, sorted.
    var names: [String] { Set(config.keys).union(credentials.keys).sorted() }

    /// The configuration file's sections that lack the word `profile` before their name.
    var bareSections: Set<String> = []
    /// Why others could have changed one of the files; `nil` where they could not.
    var objection: SourceError?

    static let none = AWSProfiles(config: [:], credentials: [:])

    /// The profile's values, those of the credentials file before those of the other; `nil` where it
    /// is in neither.
    subscript(name: String) -> [String: String]? {
        guard config[name] != nil || credentials[name] != nil else { return nil }
        return (config[name] ?? [:]).merging(credentials[name] ?? [:]) { $1 }
    }

    /// The profiles among a configuration file's sections: `[default]` and `[profile NAME]`.
    static func profiles(in file: INI) -> [String: [String: String]] {
        var profiles: [String: [String: String]] = [:]
        for (section, values) in file.sections {
            if section == "default" { profiles[section] = values }
            guard let words = shellWords(section), words.count == 2, words[0] == "profile" else {
                continue
            }
            profiles[words[1]] = values
        }
        return profiles
    }

    /// Sections of a configuration file with one word, which AWS's programs pass over.
    fileprivate static func bareSections(in file: INI) -> Set<String> {
        Set(file.sections.keys.filter { $0 != "default" && !$0.isEmpty && !$0.contains(" ") })
    }

    /// What is said of a profile that is in neither file.
    func missing(_ name: String, _ context: SourceContext) -> SourceError {
        let shown = name.printable
        let said = context.variable("AWS_PROFILE") == name ? " (AWS_PROFILE names it)" : ""
        if bareSections.contains(name) {
            return SourceError(
                .misconfigured,
                "the profile \(shown) is in neither of AWS's shared files\(said): the configuration file has a"
                    + " section [\(shown)], without the word profile",
                hint:
                    "write [profile \(shown)] for [\(shown)] in \(Self.place("AWS_CONFIG_FILE", "config", context));"
                    + " the credentials file alone has bare names"
            )
        }
        if credentials["profile \(name)"] != nil {
            return SourceError(
                .misconfigured,
                "the profile \(shown) is in neither of AWS's shared files\(said): the credentials file has a section"
                    + " [profile \(shown)]",
                hint: "write [\(shown)] for [profile \(shown)] in"
                    + " \(Self.place("AWS_SHARED_CREDENTIALS_FILE", "credentials", context)); the word profile stands in"
                    + " the configuration file alone"
            )
        }
        return SourceError(
            .misconfigured,
            "the profile \(shown) is in neither of AWS's shared files\(said)",
            hint: hint(for: name, context)
        )
    }

    private func hint(for name: String, _ context: SourceContext) -> String {
        guard !names.isEmpty else {
            let places = [
                Self.place("AWS_CONFIG_FILE", "config", context),
                Self.place("AWS_SHARED_CREDENTIALS_FILE", "credentials", context),
            ]
            return "no profile is in \(places.joined(separator: " or ")), which AWS_CONFIG_FILE,"
                + " AWS_SHARED_CREDENTIALS_FILE and HOME choose: name the right files, or leave the profile out"
        }
        let guess = nearest(to: name, among: names).map { "did you mean \($0.printable)? " } ?? ""
        return "\(guess)set credentialSource.profile or AWS_PROFILE to one of"
            + " \(names.joined(separator: ", ").printable)"
    }

    static func place(_ variable: String, _ name: String, _ context: SourceContext)
        -> String
    {
        let usual = "\(context.variable("HOME") ?? "~")/.aws/\(name)"
        return (context.variable(variable).map(context.expanded) ?? usual).printable
    }
}

extension SourceContext {
    /// Bytes of a shared file that are read.
    private static let sharedFileLimit = 1 << 20

    /// Reads the shared files. One that is not there has no profiles.
    ///
    /// They choose hosts, roles, files and programs, as an account file does. So one that belongs to
    /// another user (who kept their HOME when they became root, say) is refused; as root, so is one that
    /// others can change. For any other user that matters where a program is to be run.
    func awsProfiles() throws(SourceError) -> AWSProfiles {
        let config = try shared("AWS_CONFIG_FILE", "config")
        let credentials = try shared("AWS_SHARED_CREDENTIALS_FILE", "credentials")
        return AWSProfiles(
            config: AWSProfiles.profiles(in: config.content),
            credentials: credentials.content.sections,
            bareSections: AWSProfiles.bareSections(in: config.content),
            objection: config.objection ?? credentials.objection
        )
    }

    private func shared(
        _ variable: String,
        _ name: String
    ) throws(SourceError) -> (content: INI, objection: SourceError?) {
        let usual = self.variable("HOME").map { "\($0)/.aws/\(name)" }
        guard let path = self.variable(variable).map(expanded) ?? usual else {
            return (INI.empty, nil)
        }
        let objection = try objection(to: path)
        let text: String
        do throws(ReadFileError) {
            text = try readFile(path, limit: Self.sharedFileLimit).text
        } catch {
            if error == .system(.notFound) { return (INI.empty, nil) }
            throw SourceError(
                .misconfigured,
                "\(path.printable) \(error)",
                hint:
                    "let the agent's user read it, or set HOME or \(variable) to a file of its own"
            )
        }
        do throws(INIError) {
            return (try INI(parsing: text), objection)
        } catch {
            throw SourceError(
                .misconfigured,
                "\(path.printable), line \(error.line): \(error.reason)",
                hint: "correct that line: sections stand in [ ], all else is NAME = VALUE"
            )
        }
    }

    /// Why others than this user could change the file; `nil` where they could not, or it cannot be read.
    /// - Throws: the same where the file is not this user's own, or this user is root.
    private func objection(to path: String) throws(SourceError) -> SourceError? {
        do throws(PathError) {
            let resolved = try resolvedPath(path)
            _ = try openTrusted(resolved, owners: [effectiveUserID()], isRegular: false)
            return nil
        } catch {
            guard error.reason == nil else { return nil }
            let objection = SourceError(
                .misconfigured,
                "\(path.printable) is not used: \(error.description.printable)",
                hint: (error.hint.map { "\($0); or " } ?? "")
                    + "set HOME or AWS_CONFIG_FILE to a place of this user's: such a file chooses hosts"
                    + " and programs"
            )
            if effectiveUserID() != 0, isOwn(path) { return objection }
            throw objection
        }
    }

    private func isOwn(_ path: String) -> Bool {
        do throws(Errno) {
            return try FileFacts(at: path).owner == effectiveUserID()
        } catch {
            return false
        }
    }

    /// A path with `~` and the requester's variables replaced.
    func expanded(_ path: String) -> String {
        var result = ""
        var rest = path[...]
        if rest == "~" || rest.hasPrefix("~/"), let home = variable("HOME") {
            result = home
            rest.removeFirst()
        }
        while let character = rest.popFirst() {
            guard character == "$" else {
                result.append(character)
                continue
            }
            let isBraced = rest.first == "{"
            let tail = isBraced ? rest.dropFirst() : rest
            let name = tail.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            let end = tail[name.endIndex...]
            guard let value = environment[String(name)], !isBraced || end.first == "}" else {
                result.append(character)
                continue
            }
            result += value
            rest = isBraced ? end.dropFirst() : end
        }
        return result
    }
}
