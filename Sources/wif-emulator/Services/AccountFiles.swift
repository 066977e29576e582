import Federation
import Text

extension World {
    /// Account files for tokens of this issuer, by service.
    ///
    /// - Parameter namingSource: whether they say where its tokens come from, for other identities may be
    ///   played beside it; Mondoo's, as its console generates them, do not.
    func accountFiles(
        for issuer: Issuer,
        namingSource: Bool = true
    ) -> [(service: String, file: JSON)] {
        Part.services.compactMap { part in
            guard var file = part.accountFile?(self, issuer) else { return nil }
            file["type"] = "external_account"
            let platform = TokenPlatform.named(issuer.name)
            var members = file
            if namingSource, part.name != .mondoo || platform == nil {
                members["credentialSource"] = source(of: issuer, platform, file)
            }
            // Entra knows no resource of the names that others have, so that a key of its own is needed.
            if platform == .azure {
                members["tokenAudience"] = .string(
                    part.name == .conductorone ? Self.azureTenantResource : Self.azureResource
                )
            }
            return (part.name.rawValue, .object(members))
        }
    }

    private func source(
        of issuer: Issuer,
        _ platform: TokenPlatform?,
        _ file: [String: JSON]
    ) -> JSON {
        guard let platform else {
            let audience =
                (file["tokenAudience"] ?? file["audience"])?.string ?? "acme.conductor.one"
            return [
                "url": .string(
                    "\(urls[.issuers] ?? "")/_emulator/token?issuer=\(issuer.name)&audience="
                        + percentEncoded(audience)
                )
            ]
        }
        return platform == .aws
            ? ["provider": "aws", "token": "web-identity"]
            : ["provider": .string(platform.rawValue)]
    }
}
