extension PlatformFacts {
    /// SPIFFE, by the file in which a helper keeps a JWT-SVID.
    static let spiffe = PlatformFacts(
        automatic: .never,
        parse: { (options) throws(AccountError) in
            guard let path = try options.absolutePath("path") else {
                throw options.missing("path", "spiffe needs the JWT-SVID's file")
            }
            return .spiffe(path: path)
        },
        readsFiles: { _ in true },
        rotatingFile: { source in
            if case .spiffe(let path) = source { path } else { nil }
        }
    )
}
