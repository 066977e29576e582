extension PlatformFacts {
    /// A Fly.io machine, by the API on its own socket.
    static let fly = PlatformFacts(
        signs: [.variable("FLY_APP_NAME", "FLY_MACHINE_ID")],
        parse: { (options) throws(AccountError) in
            .fly(socket: try options.absolutePath("socket") ?? "/.fly/api")
        },
        unixSocket: { _ in true },
        otherWords: ["flyio"],
        issuers: KnownIssuers(of: "Fly.io", "oidc.fly.io"),
        tokens: TokenFacts(
            name: "Fly.io",
            subjectRemark: { subject in
                subject.split(separator: ":").count == 3
                    ? "the sub ends in the machine's id, which is another after each deploy that replaces the"
                        + " machine: compare app_name and org_name instead, where the service can"
                    : nil
            },
            claims: [["org_name"], ["app_name"]]
        )
    )
}
