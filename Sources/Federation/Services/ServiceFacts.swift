import Kernel
import Text

/// Everything that the domain knows of one service: what its file in this folder says.
package struct ServiceFacts: Sendable {
    /// What a file says where it does not name its service.
    var isImplied: @Sendable (KeyedValues) -> Bool = { _ in false }
    /// The account file that a requester's variables stand for, where there is none.
    var impliedAccount: @Sendable ([String: String]) -> JSON? = { _ in nil }
    /// Reads the service's keys.
    var parse: @Sendable (inout KeyedValues, ServiceInput) throws(AccountError) -> ParsedService
    /// Keys of an account file that no other service's has.
    var ownKeys: Set<String> = []
    /// The keys of the account file that the service's own pages have; empty where they have no such file.
    var documentedKeys: Set<String> = []
    /// As people write it.
    package let title: String
    /// The variable that env formats set unless the account file names another.
    let defaultVariable: String
    /// The variables that env formats set whatever the account file names; `nil` where it is one.
    var variableNames: [String]?
    /// Older names of these: a program that inherits one of another credential would use that.
    package var olderVariables: Set<String> = []
    /// Variables that programs need beside the credential, in env formats.
    var companionVariables: @Sendable (Service) -> [(name: String, value: String)] = { _ in [] }
    /// A variable in which the service's own tools look for a subject token; comes before `auto`.
    var subjectTokenVariable: String?
    /// A variable that names the proxy to the service, before the general ones.
    package var proxyVariable: String?
    /// The other variables that it reads.
    var otherVariables: [String] = []
    /// The variables that say where the service is, where the account file does not.
    package var addressVariables: [String] = []
    /// The key of the account file that says where the service is.
    package var addressKey = "tokenUrl"
    /// Where the service is, for a reader who has it wrong.
    package var places: String?
    /// The domains of the service's own, whose certificates public authorities sign; each begins with a dot.
    var domains: [String] = []
    /// Hosts that every customer of the service has.
    var hosts: [String] = []
    /// The members that the format `json` may have.
    var documentMembers = ["access_token", "token_type", "expires_at"]
    /// Whether the credential is a token, for an `Authorization` header.
    package var givesTokens = true
    /// The word before a token in an `Authorization` header.
    package var scheme = "Bearer"
    /// Whether a credential is revoked when the command that used it has ended.
    var revokesAfterCommand = false
    /// Whether a subject token may be something else than a JWT or a signed request to AWS.
    package var takesOpaqueTokens = false
    /// Whether a subject token without an expiry is refused.
    package var wantsExpiry = true
    /// Seconds that a subject token must have left.
    package var minimumLeft = 0.0
    /// Seconds since its issue after which a subject token is refused.
    package var maximumAge: Double?

    /// The variables of a requester's environment that a job may carry for this service.
    var variables: [String] {
        [subjectTokenVariable, proxyVariable].compactMap(\.self) + otherVariables
    }
}

extension ServiceName {
    /// Whether a host is in a domain of a service's own, whose certificates every system trusts.
    package static func ownsDomain(of host: String) -> Bool {
        allCases.contains { $0.facts.domains.contains { host.hasSuffix($0) } }
    }

    /// Whether a host is known to be one on the internet, with that very name.
    package static func hasHost(_ host: String) -> Bool {
        allCases.contains { $0.facts.hosts.contains(host) }
    }
}

/// What a service's keys are read with.
struct ServiceInput {
    let issuer: String?
    /// The requester's, which supplies what a file leaves out.
    let environment: [String: String]

    /// The variable's value; `nil` where it is unset or blank.
    func variable(_ name: String) -> String? { environment.variable(name) }
}

/// A service, and what should be looked at in its keys.
struct ParsedService {
    let service: Service
    var warnings: [String] = []
}

extension ParsedService {
    /// Reads the keys that say who exchanges the token.
    init(_ values: inout KeyedValues, _ input: ServiceInput) throws(AccountError) {
        let implied = ServiceName.allCases.first { $0.facts.isImplied(values) } ?? .mondoo
        let isNamed = values.has("service")
        let word = try values.text("service") ?? implied.rawValue
        guard let name = ServiceName(rawValue: word) else {
            throw values.unknown("service", word, ServiceName.allCases.map(\.rawValue))
        }
        if !isNamed, name == .mondoo, let other = values.otherService {
            throw values.error(
                "service",
                "is missing, so that the account is taken for Mondoo's, and"
                    + " \(other.key) is a key of \(other.service.facts.title)'s",
                hint: "add \"service\": \"\(other.service.rawValue)\""
            )
        }
        do throws(AccountError) {
            self = try name.facts.parse(&values, input)
        } catch {
            guard !isNamed, error.isOfAbsentKey, let hint = error.hint else { throw error }
            throw AccountError(
                error.message,
                hint:
                    "\(hint); or, where the account is not \(name.facts.title)'s, add \"service\","
                    + " or the tokenUrl of an RFC 8693 service",
                key: error.key
            )
        }
    }
}

extension KeyedValues {
    /// Another service than Mondoo, one of whose own keys is there.
    fileprivate var otherService: (service: ServiceName, key: String)? {
        for service in ServiceName.allCases where service != .mondoo {
            if let key = service.facts.ownKeys.sorted().first(where: has) { return (service, key) }
        }
        return nil
    }
}

extension Service {
    /// The account file's word for it.
    package var name: String { kind.rawValue }

    /// Variables that programs need beside the credential, in env formats.
    package var companionVariables: [(name: String, value: String)] {
        kind.facts.companionVariables(self)
    }

    /// A variable in which the service's own tools look for a subject token; comes before `auto`.
    package var subjectTokenVariable: String? { kind.facts.subjectTokenVariable }
}

extension Account {
    /// The account that a requester's variables describe alone, where there is no file; `nil` where they
    /// describe none.
    /// - Throws: ``AccountError`` as for a file.
    package static func implied(
        by environment: [String: String]
    ) throws(AccountError) -> Account? {
        for service in ServiceName.allCases {
            guard let file = service.facts.impliedAccount(environment) else { continue }
            return try Account(
                parsing: Secret(file.serialized()),
                path: "/proc/self/environ/\(service.rawValue).json",
                environment: environment
            )
        }
        return nil
    }

    /// Whether `auto` prefers the job or the pod to the machine it runs on: where no issuer says which is
    /// wanted, and no service's page fixes the order, as Mondoo's does.
    package var prefersJobs: Bool { issuer == nil && service.kind != .mondoo }

    /// The account's source; where that is `auto`, a token in the variable in which the service's own
    /// tools look for one comes first.
    package func effectiveSource(in environment: [String: String]) -> TokenSource {
        guard case .automatic = tokenSource, let variable = service.subjectTokenVariable,
            environment.variable(variable) != nil
        else { return tokenSource }
        return .environment(name: variable)
    }

    /// Whether the credential is revoked when its user has ended: as configured, else under
    /// `wif-agent exec` where the service's documentation asks for it.
    package func revokesOnExit(ofCommand: Bool) -> Bool {
        guard service.canRevoke else { return false }
        return revokeOnExit ?? (ofCommand && service.kind.facts.revokesAfterCommand)
    }
}
