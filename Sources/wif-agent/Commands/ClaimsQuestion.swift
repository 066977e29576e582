import Federation
import Kernel
import Policy
import Text

/// What is asked about a token's claims.
struct ClaimsQuestion {
    /// What they are held against.
    enum Terms {
        case condition(Expression)
        /// Mondoo's; `nil` where no subject was given.
        case mappings(subject: String?, [ClaimMapping])
        /// A form of Bright's for a CI provider.
        case preset(BrightPreset)
        case trusts([Trust])
    }

    /// For which a condition is suggested; `nil` where nobody was named.
    let service: TrustingService?
    let terms: Terms?

    init(_ invocation: Invocation) throws {
        let sources = ["when", "when-file", "trust"].filter { invocation.value($0) != nil }
        if sources.count > 1 {
            throw UsageError(message: "--\(sources[0]) and --\(sources[1]) exclude each other")
        }
        if let path = invocation.value("trust") {
            let trusts = try Self.parsed(path) { text throws(PolicyError) in
                try Trust.list(parsing: text.utf8)
            }
            terms = .trusts(trusts)
            service = try Self.service(invocation) ?? trusts.first?.service
            return
        }
        let conditions = invocation.all("when")
        let path = invocation.value("when-file")
        guard !conditions.isEmpty || path != nil else {
            terms = nil
            service = try Self.service(invocation)
            return
        }
        guard let service = try Self.service(invocation) ?? Self.accountsService(invocation) else {
            throw UsageError(
                message: "whose condition is it?",
                hint: "--for conductorone, bright or mondoo"
            )
        }
        self.service = service
        if let path {
            terms = try Self.parsed(path) { text throws(PolicyError) in
                let lines = text.split(whereSeparator: \.isNewline).map(String.init)
                return try Self.terms(service, lines.filter { !$0.trimmed.isEmpty }, text)
            }
        } else {
            do throws(PolicyError) {
                terms = try Self.terms(service, conditions, conditions.last ?? "")
            } catch {
                throw UsageError(message: "--when: \(error.told)", hint: error.hint)
            }
        }
    }

    private static func service(_ invocation: Invocation) throws -> TrustingService? {
        guard let name = invocation.value("for") else { return nil }
        guard let service = TrustingService(rawValue: name) else {
            let names = TrustingService.allCases.map(\.rawValue)
            throw UsageError(
                message: "--for \(name.printable): one of \(names.joined(separator: ", "))",
                hint: nearest(to: name, among: names).map { "did you mean \($0)?" }
            )
        }
        return service
    }

    private static func accountsService(_ invocation: Invocation) throws -> TrustingService? {
        guard invocation.words.isEmpty else { return nil }
        return TrustingService(rawValue: try AccountChoice.load(invocation).service.name)
    }

    /// - Parameters:
    ///   - pairs: Mondoo's, or fields of a form of Bright's: `NAME = VALUE`.
    ///   - condition: the others'.
    private static func terms(
        _ service: TrustingService,
        _ pairs: [String],
        _ condition: String
    ) throws(PolicyError) -> Terms {
        if service == .bright, let preset = try preset(pairs) { return .preset(preset) }
        if let dialect = service.dialect {
            return .condition(try Expression(parsing: condition, dialect: dialect))
        }
        var subject: String?
        var mappings: [ClaimMapping] = []
        for pair in pairs {
            if let (key, value) = pair.keyAndValue, key == "subject", !value.isEmpty {
                subject = value
            } else {
                mappings.append(try ClaimMapping(parsing: pair))
            }
        }
        return .mappings(subject: subject, mappings)
    }

    /// `nil` where the texts are no fields of a form of Bright's.
    private static func preset(_ pairs: [String]) throws(PolicyError) -> BrightPreset? {
        var provider: BrightPreset.Provider?
        var fields: [String: String] = [:]
        for pair in pairs {
            guard let (key, value) = pair.keyAndValue,
                let field = BrightPreset.provider(ofField: key)
            else { continue }
            provider = provider ?? field.provider
            fields[field.title] = value
        }
        guard let provider else { return nil }
        return try BrightPreset(provider, fields)
    }

    private static func parsed<Result>(
        _ path: String,
        _ parse: (String) throws(PolicyError) -> Result
    ) throws -> Result {
        let text: String
        do throws(ReadFileError) {
            text = try readFile(path, limit: 1 << 19).text
        } catch {
            throw CommandFailure(
                Failure(.misconfigured, at: .account, "\(path.printable) \(error)"),
                exitCode: 66
            )
        }
        do throws(PolicyError) {
            return try parse(text)
        } catch {
            throw CommandFailure(
                Failure(
                    .misconfigured,
                    at: .account,
                    "\(path.printable): \(error.told)",
                    hint: error.hint
                )
            )
        }
    }
}
