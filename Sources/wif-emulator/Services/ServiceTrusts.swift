import Crypto
import Federation
import FoundationEssentials
import Policy
import Text

/// The trusts that the user gave, checked, their issuers perhaps still by name.
struct ServiceTrusts: Sendable {
    private var documents: [JSON] = []

    /// Bright's limit of federated credentials in one project.
    private static let credentialsInProject = 20

    /// Takes one trust, an array of them, or `{"trusts": […]}`.
    mutating func add(_ json: JSON) throws(UsageError) {
        do throws(PolicyError) {
            for document in try Trust.documents(json) {
                _ = try Self.trust(document) { "https://\($0).example" }
                documents.append(document)
            }
        } catch {
            throw UsageError("\(error)")
        }
        if let project = fullProject {
            throw UsageError(
                "Bright's project '\(project.printable)' holds at most"
                    + " \(Self.credentialsInProject) federated credentials"
            )
        }
    }

    /// A project that holds more than it may.
    private var fullProject: String? {
        var counts: [String: Int] = [:]
        for document in documents where document["service"]?.string == "bright" {
            counts[document["projectId"]?.string ?? World.brightProject, default: 0] += 1
        }
        return counts.first { $0.value > Self.credentialsInProject }?.key
    }

    /// Those of a service, issuers' names replaced by their URLs.
    func trusts(
        of service: TrustingService,
        issuer: (String) -> String?
    ) throws(PolicyError) -> [Trust] {
        var trusts: [Trust] = []
        for document in documents {
            let trust = try Self.trust(document) { issuer($0) ?? "https://\($0).example" }
            if trust.service == service { trusts.append(trust) }
        }
        return trusts
    }

    private static func trust(
        _ json: JSON,
        issuer: (String) -> String
    ) throws(PolicyError) -> Trust {
        guard var members = json.object, let name = members["issuer"]?.string,
            !name.contains("://")
        else { return try Trust(json) }
        members["issuer"] = .string(issuer(name))
        return try Trust(.object(members))
    }
}

extension Trust {
    /// What keeps the token from being accepted; `nil` where nothing does.
    func objection(to claims: JSON, in world: World) -> Clause? {
        judge(claims: claims, now: world.clock.now).first { clause in
            switch clause.verdict {
            case .accepted: false
            case .refused: true
            case .cannotBeTold: !world.options.takesUndocumented
            }
        }
    }
}

extension World {
    /// An App ID URI of Azure's tenant, and that of ConductorOne's tenant's domain.
    static let azureResource = "api://wif-emulator"
    static let azureTenantResource = "api://acme.conductor.one"

    /// Bright's project that is there without being asked for.
    static let brightProject = "demo"
    /// What `aud` may be there.
    static let brightAudience = "https://app.brightsec.com"

    /// The client id of the trust that is there for an issuer without being asked for.
    func conductorOneClient(for issuer: Issuer) -> String {
        "\(issuer.name)-bear-10001@acme.conductor.one/wfe"
    }

    /// The trusts the user gave for the service; else one for each identity that is played.
    func trusts(of service: TrustingService) throws(CryptoError) -> [Trust] {
        do throws(PolicyError) {
            let given = try options.trusts.trusts(of: service) { issuer(named: $0)?.url }
            if !given.isEmpty { return given }
            var trusts = service == .mondoo ? try amazonTrusts() : []
            for issuer in issuers where service != .mondoo || issuer.name != "aws" {
                trusts.append(try usual(service, issuer))
            }
            return trusts
        } catch {
            throw CryptoError.failed(doing: "reading a trust", reason: "\(error)")
        }
    }

    private func usual(
        _ service: TrustingService,
        _ issuer: Issuer
    ) throws(PolicyError) -> Trust {
        let platform = TokenPlatform.named(issuer.name)
        let role = "arn:aws:iam::\(AWSAccount.number):role/workload"
        let subject =
            platform == .aws ? role : platform.map(claims)?["sub"]?.string ?? "workload"
        let literal = String(decoding: JSON.string(subject).serialized(), as: UTF8.self)
        switch service {
        case .mondoo:
            return try Trust([
                "service": "mondoo", "issuer": .string(issuer.url),
                "subject": .string(subject), "audience": .string(options.scope),
            ])
        case .conductorone:
            return try Trust([
                "service": "conductorone", "issuer": .string(issuer.url),
                "clientId": .string(conductorOneClient(for: issuer)),
                "condition": .string("claims.sub == \(literal)"),
            ])
        case .bright:
            return try Trust([
                "service": "bright", "issuer": .string(issuer.url),
                "allowedAudiences": [
                    .string(Self.brightAudience), "https://github.com/acme",
                    .string(Self.azureResource),
                ],
                "projectId": .string(Self.brightProject), "condition": .string("sub == \(literal)"),
            ])
        }
    }

    /// Mondoo's trust in the identities of the AWS account that is played.
    private func amazonTrusts() throws(PolicyError) -> [Trust] {
        guard options.platforms.contains(.aws) else { return [] }
        let number = AWSAccount.number
        let subjects = [
            (Mondoo.amazonIssuer, "arn:aws:sts::\(number):assumed-role/workload/*"),
            (Mondoo.amazonIssuer, "arn:aws:iam::\(number):user/workload"),
            (issuer(named: "aws")?.url, "arn:aws:iam::\(number):role/workload"),
        ]
        var trusts: [Trust] = []
        for case let (issuer?, subject) in subjects {
            trusts.append(
                try Trust([
                    "service": "mondoo", "issuer": .string(issuer), "subject": .string(subject),
                    "audience": .string(options.scope),
                ])
            )
        }
        return trusts
    }
}
