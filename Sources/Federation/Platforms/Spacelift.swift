extension PlatformFacts {
    /// A Spacelift run, by a variable or a file of its workspace.
    static let spacelift = PlatformFacts(
        signs: [.variable("SPACELIFT_OIDC_TOKEN")],
        parse: { (options) throws(AccountError) in
            let usual = "/mnt/workspace/spacelift.oidc"
            return .spacelift(path: try options.absolutePath("path") ?? usual)
        },
        readsFiles: { _ in true }
    )
}
