import Federation

extension World {
    /// Account files for tokens of this issuer, by service, without Mondoo's.
    func accountFiles(for issuer: Issuer) -> [String: JSON] {
        let url = { (role: RoleName) in self.urls[role] ?? "" }
        return [
            "conductorone": [
                "type": "external_account", "clientId": .string(conductorOneClient(for: issuer)),
                "tokenUrl": .string(url(.conductorone) + "/auth/v1/token"),
            ],
            "bright": [
                "type": "external_account", "service": "bright",
                "projectId": .string(Self.brightProject), "audience": .string(Self.brightAudience),
                "tokenUrl": .string(url(.bright)),
            ],
            "oauth": [
                "type": "external_account", "tokenUrl": .string(url(.oauth) + "/oauth/token"),
                "revokeUrl": .string(url(.oauth) + "/oauth/revoke"),
                "audience": "https://api.example.com",
            ],
            "google": [
                "type": "external_account", "universe_domain": "googleapis.com",
                "audience": .string(GoogleSTS.audience(of: issuer)),
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": .string(url(.google) + "/v1/token"),
                "service_account_impersonation_url": .string(
                    url(.google) + GoogleSTS.impersonationPath
                ),
                "service_account_impersonation": ["token_lifetime_seconds": 1200],
            ],
        ]
    }
}
