import Crypto
import Federation
import FoundationEssentials
import Policy

/// The trusts of ConductorOne and Bright that the user gave, checked, their issuers perhaps still by name.
struct ServiceTrusts: Sendable {
    private var documents: [JSON] = []

    /// Bright's limit of federated credentials in one project.
    private static let credentialsInProject = 20

    /// Takes a trust whose JSON names one of these services; answers whether it is one.
    mutating func add(_ json: JSON) throws(UsageError) -> Bool {
        let name = json["service"]?.string
        guard name != "mondoo", name != nil || json["clientId"] != nil else { return false }
        do throws(PolicyError) {
            _ = try Self.trust(json) { "https://\($0).example" }
        } catch {
            throw UsageError("\(error)")
        }
        documents.append(json)
        if let project = fullProject {
            throw UsageError(
                "Bright's project '\(project.printable)' holds at most"
                    + " \(Self.credentialsInProject) federated credentials"
            )
        }
        return true
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
    /// Why the token is not accepted; `nil` if it is. What the service leaves undocumented passes.
    func objection(to claims: TokenClaims, at date: Date) -> String? {
        let refused = judge(claims: claims.all, now: date).first { $0.verdict == .refused }
        return refused.map { "\($0.name): \($0.detail)" }
    }
}

extension World {
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
            let given = try options.serviceTrusts.trusts(of: service) { issuer(named: $0)?.url }
            if !given.isEmpty { return given }
            var trusts: [Trust] = []
            for issuer in issuers { trusts.append(try usual(service, issuer)) }
            return trusts
        } catch {
            throw CryptoError.failed(doing: "reading a trust", reason: "\(error)")
        }
    }

    private func usual(
        _ service: TrustingService,
        _ issuer: Issuer
    ) throws(PolicyError) -> Trust {
        let platform = IdentityPlatform(rawValue: issuer.name)
        let subject = platform.map(claims)?["sub"]?.string ?? "workload"
        let literal = String(decoding: JSON.string(subject).serialized(), as: UTF8.self)
        if service == .conductorone {
            return try Trust([
                "service": "conductorone", "issuer": .string(issuer.url),
                "clientId": .string(conductorOneClient(for: issuer)),
                "condition": .string("claims.sub == \(literal)"),
            ])
        }
        return try Trust([
            "service": "bright", "issuer": .string(issuer.url),
            "allowedAudiences": [.string(Self.brightAudience), "https://github.com/acme"],
            "projectId": .string(Self.brightProject), "condition": .string("sub == \(literal)"),
        ])
    }
}
