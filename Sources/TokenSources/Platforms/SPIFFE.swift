internal import Federation
internal import Kernel
internal import Text

/// A JWT-SVID that a helper keeps fresh in a file.
struct SPIFFE: TokenFetcher {
    static let name = TokenPlatform.spiffe.rawValue

    let path: String

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        let file = try TokenFile(path: path, format: .text).subjectToken()
        let token = SubjectToken(file.value, source: Self.name)
        guard let claims = token.claims else {
            throw SourceError(
                .noSource,
                "\(path.printable) holds \(file.value.count) bytes that are no JWT",
                hint: "an X.509-SVID cannot be exchanged; have the helper write a JWT-SVID"
            )
        }
        guard claims.issuer != nil else {
            throw SourceError(
                .noSource,
                "\(path.printable) holds a JWT-SVID without iss, which no service can trust",
                hint: "set jwt_issuer in the SPIRE server's configuration, and serve its discovery"
            )
        }
        return token
    }
}
