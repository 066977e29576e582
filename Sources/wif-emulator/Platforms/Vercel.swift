import Federation
import Text

extension PlayedPlatform {
    static let vercel = PlayedPlatform(
        issuerURL: "https://oidc.vercel.com/acme",
        claims: [
            "sub": "owner:acme:project:app:environment:production",
            "aud": "https://vercel.com/acme", "environment": "production",
        ],
        parts: [
            .variables(
                of: .vercel,
                mark: Variable("VERCEL", "1"),
                tokens: ["VERCEL_OIDC_TOKEN"]
            )
        ]
    )
}
