import Federation
import FoundationEssentials
import Kernel
import Text

/// What the program is to do.
enum Command: Sendable {
    case run(Options)
    case help
    case version
}

extension Command {
    /// Reads the arguments, the program's name left out.
    init(parsing arguments: [String]) throws(UsageError) {
        var options = Options()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "-h" || argument == "--help" {
                self = .help
                return
            }
            if argument == "--version" {
                self = .version
                return
            }
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            if argument == "--tls" {
                options.servesTLS = true
                continue
            }
            guard let set = flags[parts.first ?? ""] else {
                let hint = nearest(to: parts.first ?? "", among: flags.keys)
                throw UsageError(
                    "unknown argument '\(argument.printable)'"
                        + (hint.map { "; did you mean \($0)?" } ?? "")
                )
            }
            guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                throw UsageError("\(parts[0]) needs a value")
            }
            try set(&options, Argument(flag: parts[0], text: value))
        }
        guard !options.servesTLS || options.directory != nil else {
            throw UsageError("--tls needs --directory, where the CA's certificate goes")
        }
        self = .run(options)
    }
}

/// A flag's value on its way to being understood.
private struct Argument {
    let flag: String
    let text: String

    func wrong(_ expected: String) -> UsageError {
        UsageError("\(flag) must be \(expected), not '\(text.printable)'")
    }

    func seconds(_ range: ClosedRange<Int64>) throws(UsageError) -> Int64 {
        guard let value = Int64(text), range.contains(value) else {
            throw wrong("seconds from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// `NAME=VALUE`.
    func pair() throws(UsageError) -> (name: String, value: String) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw wrong("NAME=VALUE") }
        return (parts[0], parts[1])
    }

    func name<Value: RawRepresentable & CaseIterable>(
        _ type: Value.Type
    ) throws(UsageError) -> Value where Value.RawValue == String {
        guard let value = Value(rawValue: text) else {
            throw wrong(Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    /// JSON written here, or in the file of that name.
    func json() throws(UsageError) -> JSON {
        let isInline = text.hasPrefix("{") || text.hasPrefix("[")
        do {
            let bytes = isInline ? Array(text.utf8) : [UInt8](try Data(contentsOf: path))
            return try JSON(parsing: bytes)
        } catch let error as JSONError {
            throw UsageError("\(flag) is not JSON: \(error.reason)")
        } catch {
            throw UsageError("\(flag): \(text.printable) cannot be read")
        }
    }

    private var path: URL { URL(filePath: text) }
}

private typealias Setter =
    @Sendable (inout Options, Argument) throws(UsageError) -> Void

private typealias Field<Value> = any WritableKeyPath<Options, Value> & Sendable

private func text(_ field: Field<String>) -> Setter {
    { (options, argument) throws(UsageError) in options[keyPath: field] = argument.text }
}

private func seconds(
    _ field: Field<Int64>,
    _ range: ClosedRange<Int64>
) -> Setter {
    { (options, argument) throws(UsageError) in
        options[keyPath: field] = try argument.seconds(range)
    }
}

private func name<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ field: Field<Value>
) -> Setter {
    { (options, argument) throws(UsageError) in
        options[keyPath: field] = try argument.name(Value.self)
    }
}

private let flags: [String: Setter] = [
    "--platform": { (options, argument) throws(UsageError) in
        options.platforms = try platforms(argument)
    },
    "--listen": { (options, argument) throws(UsageError) in
        options.listeners.append(try ListenOption(parsing: argument.text))
    },
    "--directory": { (options, argument) throws(UsageError) in options.directory = argument.text },
    "--tls-hosts": { (options, argument) throws(UsageError) in
        options.tlsHosts = argument.text.split(separator: ",").map(String.init)
    },
    "--tls-fault": { (options, argument) throws(UsageError) in
        options.tlsFault = try argument.name(Options.TLSFault.self)
    },
    "--url": { (options, argument) throws(UsageError) in
        let (name, value) = try argument.pair()
        guard RoleName(rawValue: name) != nil else { throw argument.wrong("ROLE=URL") }
        options.urls[name] = value
    },
    "--issuer": { (options, argument) throws(UsageError) in
        let (name, value) = try argument.pair()
        options.issuers[name] = value
    },
    "--claim": { (options, argument) throws(UsageError) in
        let (name, value) = try argument.pair()
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, TokenPlatform.named(parts[0]) != nil else {
            throw argument.wrong("PLATFORM.CLAIM=VALUE")
        }
        options.claims[parts[0], default: [:]][parts[1]] = json(orText: value)
    },
    "--token-lifetime": { (options, argument) throws(UsageError) in
        try setTokenLifetime(&options, argument)
    },
    "--github-subject": name(\.gitHubSubject),
    "--azure-endpoint": name(\.azureEndpoint),
    "--arc-directory": text(\.arcDirectory),
    "--azure-token-age": seconds(\.azureTokenAge, 0...86_400),
    "--azure-resource": { (options, argument) throws(UsageError) in
        options.azureResources.append(argument.text)
    },
    "--aws-credentials": name(\.awsCredentials),
    "--aws-region": text(\.awsRegion),
    "--aws-hop-limit": seconds(\.awsHopLimit, 1...64),
    "--scope": text(\.scope),
    "--credential-lifetime": seconds(\.credentialLifetime, 1...86_400),
    "--certificate-lifetime": { (options, argument) throws(UsageError) in
        options.certificateLifetime = try argument.seconds(-86_400...3_155_760_000)
    },
    "--trust": { (options, argument) throws(UsageError) in
        try options.trusts.add(try argument.json())
    },
    "--undocumented": { (options, argument) throws(UsageError) in
        guard ["accept", "refuse"].contains(argument.text) else {
            throw argument.wrong("accept or refuse")
        }
        options.takesUndocumented = argument.text == "accept"
    },
    "--clock-offset": { (options, argument) throws(UsageError) in
        options.clockOffset = Double(try argument.seconds(-3_155_760_000...3_155_760_000))
    },
    "--fault": { (options, argument) throws(UsageError) in
        options.faults += try Fault.list(try argument.json())
    },
]

private func platforms(_ argument: Argument) throws(UsageError) -> [TokenPlatform] {
    switch argument.text {
    case "all": return TokenPlatform.usual
    case "none": return []
    default: break
    }
    var platforms: [TokenPlatform] = []
    for name in argument.text.split(separator: ",") {
        guard let platform = TokenPlatform.named(name) else {
            let known = TokenPlatform.played.map(\.rawValue).joined(separator: ", ")
            throw argument.wrong("all, none, or some of \(known)")
        }
        platforms.append(platform)
    }
    return platforms
}

/// `SECONDS` for all platforms or `PLATFORM=SECONDS`.
private func setTokenLifetime(_ options: inout Options, _ argument: Argument) throws(UsageError) {
    let parts = argument.text.split(separator: "=", maxSplits: 1).map(String.init)
    let value = Argument(flag: argument.flag, text: parts.last ?? "")
    let seconds = try value.seconds(-86_400...31_557_600)
    let names = parts.count == 2 ? [parts[0]] : TokenPlatform.played.map(\.rawValue)
    for name in names {
        guard TokenPlatform.named(name) != nil else {
            throw argument.wrong("SECONDS or PLATFORM=SECONDS")
        }
        options.tokenLifetimes[name] = seconds
    }
}

/// The value as JSON where it is some, else as text.
private func json(orText text: String) -> JSON {
    do throws(JSONError) {
        return try JSON(parsing: Array(text.utf8))
    } catch {
        return .string(text)
    }
}
