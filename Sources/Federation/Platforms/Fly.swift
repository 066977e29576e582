extension PlatformFacts {
    /// A Fly.io machine, by the API on its own socket.
    static let fly = PlatformFacts(
        signs: [.variable("FLY_APP_NAME", "FLY_MACHINE_ID")],
        parse: { (options) throws(AccountError) in
            .fly(socket: try options.absolutePath("socket") ?? "/.fly/api")
        },
        unixSocket: { _ in true },
        issuers: KnownIssuers(of: "Fly.io", "oidc.fly.io")
    )
}
