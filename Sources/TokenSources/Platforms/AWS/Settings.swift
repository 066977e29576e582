import Federation
import Text

/// What the account file, the variables and the shared files say of the AWS identity.
struct AWSSettings: Sendable {
    let source: AWSSource
    let profiles: AWSProfiles
    /// The chosen profile's name.
    let profileName: String
    /// The chosen profile's values; none where it is not there.
    let profile: [String: String]

    /// - Throws: where a shared file cannot be read, or a profile is named that is in neither.
    init(_ source: AWSSource, _ context: SourceContext) throws(SourceError) {
        self.source = source
        let named =
            source.profile ?? context.variable("AWS_PROFILE")
            ?? context.variable("AWS_DEFAULT_PROFILE")
        profileName = named ?? "default"
        profiles = try context.awsProfiles()
        let found = profiles[profileName]
        guard found != nil || named == nil else {
            throw profiles.missing(profileName, context)
        }
        profile = found ?? [:]
    }

    /// The token service of the region in force: of the account file, the variables, the profile, the
    /// instance; the one for all where none says.
    func host(
        for credentials: AWSCredentials,
        _ context: SourceContext
    ) async throws(SourceError) -> SecurityTokenHost {
        if let host = try configuredHost(context) { return host }
        guard credentials.origin == AWSInstanceMetadata.origin,
            let region = await AWSInstanceMetadata(context: context, profile: profile).region()
        else { return .global }
        return try SecurityTokenHost(ofRegion: region)
    }

    /// As ``host(for:_:)``, without asking the instance.
    func configuredHost(_ context: SourceContext) throws(SourceError) -> SecurityTokenHost? {
        let region =
            source.region ?? context.variable("AWS_REGION")
            ?? context.variable("AWS_DEFAULT_REGION") ?? profile["region"]
        guard let region, !region.isEmpty else { return nil }
        let mode =
            context.variable("AWS_STS_REGIONAL_ENDPOINTS") ?? profile["sts_regional_endpoints"]
        return try SecurityTokenHost(ofRegion: region, isLegacy: mode?.lowercased() == "legacy")
    }

    /// The service for calls of one's own, where variables and profile may name another endpoint.
    func service(
        at host: SecurityTokenHost,
        _ context: SourceContext
    ) throws(SourceError) -> SecurityTokenService {
        SecurityTokenService(context: context, host: host, endpoint: try endpoint(context))
    }

    private func endpoint(_ context: SourceContext) throws(SourceError) -> Endpoint? {
        let isIgnored = context.variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?.lowercased()
        if isIgnored == "true" { return nil }
        for variable in ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"] {
            if let endpoint = try context.override(variable, plainHTTP: .loopback) {
                return endpoint
            }
        }
        guard let url = profile["endpoint_url"], !url.isEmpty else { return nil }
        do throws(EndpointError) {
            return try Endpoint(url)
        } catch {
            throw SourceError(
                .misconfigured,
                "endpoint_url of the profile \(profileName.printable) \(error.reason)",
                hint: "write an https:// URL there, or remove the line"
            )
        }
    }
}

extension SecurityTokenHost {
    /// The region's own.
    /// - Throws: for a name that no region could have.
    init(ofRegion region: String, isLegacy: Bool = false) throws(SourceError) {
        guard let host = SecurityTokenHost(region: region, isLegacy: isLegacy) else {
            let (problem, hint) = SecurityTokenHost.objection(to: region)
            throw SourceError(
                .misconfigured,
                problem,
                hint: "\(hint) in credentialSource.region or AWS_REGION"
            )
        }
        self = host
    }
}
