import Federation
import Text

extension PlayedPlatform {
    static let spacelift = PlayedPlatform(
        issuerURL: "https://acme.app.spacelift.io",
        claims: [
            "sub": "space:root:stack:app:run_type:TRACKED:scope:write",
            "aud": "acme.app.spacelift.io", "spaceId": "root",
        ],
        parts: [.variables(of: .spacelift, tokens: ["SPACELIFT_OIDC_TOKEN"])]
    )
}
