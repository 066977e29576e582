import Federation
import Text

extension TokenFacts {
    /// Whether the tokens are those of GitHub Actions.
    var isGitHub: Bool { name == "GitHub Actions" }
    /// Whether they are Microsoft Entra's.
    var isAzure: Bool { name == "Microsoft Entra ID" }

    /// Who issued a token, in words; Mondoo is an issuer, too.
    static func issuerName(_ claims: JSON) -> String {
        let isMondoo = claims["iss"]?.string.map(MondooRegion.isIssuer) ?? false
        return isMondoo ? "Mondoo, as an identity provider" : of(claims).name
    }
}
